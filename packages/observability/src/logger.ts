import { type DestinationStream, type Logger as PinoLogger, pino, stdSerializers } from 'pino';
import { logOutput } from './log-output.ts';

export type { PinoLogger };

/** Names of fields whose values never reach a log, wherever they stand. */
const SECRET_FIELDS = ['authorization', '["x-api-key"]', 'cookie', 'secret', 'password', 'signingKey', 'img'];

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
			redact: {
				paths: SECRET_FIELDS.flatMap((field) => {
					const nested = field.startsWith('[') ? `*${field}` : `*.${field}`;
					return [field, nested, `*.*${field.startsWith('[') ? field : `.${field}`}`];
				}),
				censor: '[redacted]',
			},
			serializers: { err: serializeError },
		},
		options.destination ?? logOutput(),
	);
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
