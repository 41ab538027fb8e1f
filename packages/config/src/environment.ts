import { existsSync } from 'node:fs';
import { type Config, parseConfig } from './config.ts';

/**
 * The configuration of this process: `process.env`, and beneath it the `.env` file of the working directory.
 *
 * @throws ConfigError naming every variable at fault.
 */
export function loadConfig(): Config {
	// Official builds of ONNX Runtime may report usage unless they are told not to; the library asks the environment.
	process.env.ORT_DISABLE_TELEMETRY ??= '1';
	if (existsSync('.env')) process.loadEnvFile('.env');
	return parseConfig(process.env);
}
