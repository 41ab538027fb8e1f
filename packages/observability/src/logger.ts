import { type DestinationStream, type Logger as PinoLogger, pino, stdSerializers } from 'pino';
import { logOutput } from './log-output.ts';

export type { PinoLogger };

/** Names of fields whose values never reach a log. */
const SECRET_FIELDS = new Set([
	'authorization',
	'x-api-key',
	'cookie',
	'secret',
	'password',
	'signingKey',
	'img',
]);
const CENSOR = '[redacted]';
/** Objects in objects that are looked through for secrets; what is logged has three levels at most. */
const DEEPEST = 4;

/**
 * A JSON logger for one process.
 *
 * @param service - `api` or `worker`; on every line.
 */
export function createLogger(
	service: string,
	options: { readonly level: string; readonly destination?: DestinationStream },
): PinoLogger {
	return pino(
		{
			level: options.level,
			base: { service, pid: process.pid },
			// Those of a line and of the fields that a child logger has. With pino's wildcards for what lies deeper, a third of
			// all memory that a job took was for its two lines.
			redact: { paths: [...SECRET_FIELDS].map((field) => `["${field}"]`), censor: CENSOR },
			formatters: { log: withoutInnerSecrets },
			serializers: { err: serializeError },
		},
		options.destination ?? logOutput(),
	);
}

function withoutInnerSecrets(fields: Record<string, unknown>): Record<string, unknown> {
	let shown = fields;
	for (const name of Object.keys(fields)) {
		const value = fields[name];
		// Of an error, its serializer says what is shown.
		const censored = name === 'err' ? value : withoutSecrets(value, 1);
		if (censored !== value) shown = { ...shown, [name]: censored };
	}
	return shown;
}

/** The value, or a copy of it when there are secrets in it: mostly there are none, and nothing is copied. */
function withoutSecrets(value: unknown, depth: number): unknown {
	if (typeof value !== 'object' || value === null || depth > DEEPEST) return value;
	if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth + 1));
	let shown = value;
	for (const [name, inner] of Object.entries(value)) {
		const censored = SECRET_FIELDS.has(name) ? CENSOR : withoutSecrets(inner, depth + 1);
		if (censored !== inner) shown = { ...shown, [name]: censored };
	}
	return shown;
}

/** An error with its whole cause chain, without the enumerable extras that libraries hang on theirs. */
function serializeError(error: unknown): unknown {
	if (!(error instanceof Error)) return error;
	const { type, message, stack } = stdSerializers.err(error);
	const code = 'code' in error ? { code: error.code } : {};
	return { type, message, stack, ...code };
}

/** A URL that may be logged: its query often carries a signature, its user-info a password. */
export function loggableUrl(url: string): string {
	if (!URL.canParse(url)) return '[not a URL]';
	const { origin, pathname } = new URL(url);
	return `${origin}${pathname}`;
}
