import { parseArgs } from 'node:util';
import { Failure } from '../failure.mjs';

const USAGE = `npm run loadtest -- --url URL (--photo FILE | --source-url URL) [options]
  --rate 10            requests a second
  --duration 30        seconds in which they arrive
  --mode sync|async    POST /detect_faces and its answer; or POST /v1/jobs and the job's end
  --arrivals poisson|constant, --seed 1
  --key KEY            API key
  --unique             makes every source URL another one, so that no cache and no shared job helps
  --timeout 120        seconds until a request counts as lost
  --json FILE`;

/**
 * @typedef {object} LoadOptions
 * @property {string} url Base of the installation, without a slash at its end.
 * @property {number} rate Requests a second.
 * @property {number} durationSeconds
 * @property {'sync' | 'async'} mode
 * @property {'poisson' | 'constant'} arrivals
 * @property {number} seed
 * @property {number} timeoutMs
 * @property {string} [key]
 * @property {string} [photo] A file.
 * @property {string} [sourceUrl] What the service shall download.
 * @property {boolean} unique
 * @property {string} [json] Where to write everything.
 */

/**
 * @param {readonly string[]} args
 * @returns {LoadOptions}
 * @throws {Failure} With the usage.
 */
export function parseLoadOptions(args) {
	const values = parse(args);
	const { url, photo, json, key } = values;
	const sourceUrl = values['source-url'];
	if (url === undefined || !URL.canParse(url)) throw usage('Expected the --url of an installation');
	if ((photo === undefined) === (sourceUrl === undefined))
		throw usage('Expected either --photo or --source-url');
	if (sourceUrl !== undefined && !URL.canParse(sourceUrl)) throw usage(`--source-url ${sourceUrl} is none`);
	return {
		url: url.replace(/\/+$/, ''),
		rate: positive('rate', values.rate),
		durationSeconds: positive('duration', values.duration),
		timeoutMs: 1000 * positive('timeout', values.timeout),
		seed: positive('seed', values.seed),
		mode: oneOf('mode', values.mode, /** @type {const} */ (['sync', 'async'])),
		arrivals: oneOf('arrivals', values.arrivals, /** @type {const} */ (['poisson', 'constant'])),
		unique: values.unique,
		...(key !== undefined && { key }),
		...(photo !== undefined && { photo }),
		...(sourceUrl !== undefined && { sourceUrl }),
		...(json !== undefined && { json }),
	};
}

/** @param {readonly string[]} args */
function parse(args) {
	try {
		return parseArgs({
			args: [...args],
			options: {
				url: { type: 'string' },
				photo: { type: 'string' },
				'source-url': { type: 'string' },
				key: { type: 'string' },
				json: { type: 'string' },
				rate: { type: 'string', default: '10' },
				duration: { type: 'string', default: '30' },
				timeout: { type: 'string', default: '120' },
				seed: { type: 'string', default: '1' },
				mode: { type: 'string', default: 'sync' },
				arrivals: { type: 'string', default: 'poisson' },
				unique: { type: 'boolean', default: false },
			},
		}).values;
	} catch (cause) {
		throw usage(cause instanceof Error ? cause.message : String(cause));
	}
}

/**
 * @param {string} name
 * @param {string} text
 */
function positive(name, text) {
	const value = Number(text);
	if (Number.isFinite(value) && value > 0) return value;
	throw usage(`Expected a number above 0 for --${name}, got ${text}`);
}

/**
 * @template {string} Choice
 * @param {string} name
 * @param {string} text
 * @param {readonly Choice[]} choices
 * @returns {Choice}
 */
function oneOf(name, text, choices) {
	const choice = choices.find((candidate) => candidate === text);
	if (choice === undefined) throw usage(`Expected ${choices.join(' or ')} for --${name}, got ${text}`);
	return choice;
}

/** @param {string} fault */
function usage(fault) {
	return new Failure(`${fault}\n\n${USAGE}`);
}
