import { parseArgs } from 'node:util';
import { Failure } from '../failure.mjs';

const USAGE = `Usage:
  npm run keys -- create --name NAME [--rate-limit REQUESTS_A_MINUTE] [--max-in-flight JOBS]
  npm run keys -- list
  npm run keys -- revoke ID
  npm run keys -- rotate-secret ID`;

/** @typedef {import('../../packages/queue/dist/index.js').CallerLimits} CallerLimits */

/**
 * @typedef {{ name: 'create', caller: string, limits: CallerLimits }
 *   | { name: 'list' }
 *   | { name: 'revoke' | 'rotate-secret', id: string }} KeysCommand
 */

/**
 * @param {string[]} args
 * @returns {KeysCommand}
 */
export function parseKeysCommand(args) {
	const { values, positionals } = parse(args);
	const [name, id, ...more] = positionals;
	if (more.length > 0) throw wrong(`unexpected ${more.join(' ')}`);
	if (name !== 'create' && Object.keys(values).length > 0)
		throw wrong(`${name ?? 'no command'} has no options`);
	switch (name) {
		case 'create':
			if (id !== undefined) throw wrong(`unexpected ${id}`);
			return {
				name,
				caller: callerName(values.name),
				limits: {
					...limit('rateLimitPerMinute', '--rate-limit', values['rate-limit'], 0),
					...limit('maxJobsInFlight', '--max-in-flight', values['max-in-flight'], 1),
				},
			};
		case 'list':
			if (id !== undefined) throw wrong(`unexpected ${id}`);
			return { name };
		case 'revoke':
		case 'rotate-secret':
			if (id === undefined) throw wrong(`${name}: expected the id of a key`);
			return { name, id };
		default:
			throw wrong(`expected create, list, revoke or rotate-secret, got ${name ?? 'nothing'}`);
	}
}

/** @param {string[]} args */
function parse(args) {
	try {
		return parseArgs({
			args,
			allowPositionals: true,
			options: {
				name: { type: 'string' },
				'rate-limit': { type: 'string' },
				'max-in-flight': { type: 'string' },
			},
		});
	} catch (cause) {
		throw wrong(cause instanceof Error ? cause.message : String(cause), cause);
	}
}

/** @param {string | undefined} name */
function callerName(name) {
	if (name !== undefined && /^[^\p{Cc}]{1,64}$/u.test(name)) return name;
	throw wrong(`--name: expected 1 to 64 characters, got ${name === undefined ? 'none' : 'others or more'}`);
}

/**
 * @template {string} Field
 * @param {Field} field
 * @param {string} option
 * @param {string | undefined} text
 * @param {number} minimum
 * @returns {{ [Name in Field]?: number }} Empty when the option was not given.
 */
function limit(field, option, text, minimum) {
	if (text === undefined) return {};
	const value = Number(text);
	if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < minimum) {
		throw wrong(`${option}: expected a whole number of at least ${minimum}, got ${text}`);
	}
	return /** @type {{ [Name in Field]?: number }} */ ({ [field]: value });
}

/**
 * @param {string} fault
 * @param {unknown} [cause]
 */
function wrong(fault, cause) {
	return new Failure(`${fault}\n${USAGE}`, { cause });
}
