import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ConfigError, parseConfig } from './config.ts';
import { VARIABLE_GROUPS } from './variables.ts';

fc.configureGlobal({ seed: 6, numRuns: 1000 });

const NAMES = Object.values(VARIABLE_GROUPS).flatMap((group) => Object.keys(group));
const value = fc.oneof(
	fc.string(),
	fc.integer().map(String),
	fc.double().map(String),
	fc.webUrl(),
	fc.constantFrom(
		'true',
		'false',
		'0',
		'',
		' ',
		'fs',
		's3',
		'redis://localhost',
		'::1',
		'0.0.0.0',
		'1s,2m',
		'0x10',
	),
);

it('an environment of any content is a configuration or a refusal that names variables and shows no value', () => {
	const environment = fc.dictionary(fc.constantFrom(...NAMES), value, { maxKeys: 8 });
	fc.assert(
		fc.property(environment, fc.stringMatching(/^[a-z]{30}$/), (variables, secret) => {
			try {
				const { api, worker } = parseConfig({ ...variables, WEBHOOK_SECRET: secret });
				expect(api.port).toBeGreaterThanOrEqual(0);
				expect(worker.concurrency).toBeGreaterThan(0);
			} catch (error) {
				if (!(error instanceof ConfigError)) throw error;
				expect(error.message).not.toContain(secret);
				for (const line of error.message.split('\n').slice(1)) {
					expect(NAMES).toContain(/^ {2}(\w+)/.exec(line)?.[1]);
				}
			}
		}),
	);
});
