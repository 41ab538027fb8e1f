import { existsSync } from 'node:fs';
import { type Config, parseConfig } from './config.ts';

/**
 * The configuration of this process: `process.env`, and beneath it the `.env` file of the working directory.
 *
 * @throws ConfigError naming every variable at fault.
 */
export function loadConfig(): Config {
	if (existsSync('.env')) process.loadEnvFile('.env');
	return parseConfig(process.env);
}
