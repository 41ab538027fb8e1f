import { existsSync } from 'node:fs';
import { inRoot } from './root.mjs';

/** As the API and the worker do: variables of a `.env` count where the environment has none. */
export function loadDotEnv() {
	const file = inRoot('.env');
	if (existsSync(file)) process.loadEnvFile(file);
}
