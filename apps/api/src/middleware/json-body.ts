import { AppError } from '@facet/contracts';
import express, { type ErrorRequestHandler, type RequestHandler } from 'express';

/**
 * Parses a JSON body of at most `maxBytes`.
 *
 * Another content type is refused rather than guessed: a browser may send `text/plain` to a service on the loopback
 * address from any page, and may not send `application/json` (CORS).
 */
export function jsonBody(maxBytes: number): (RequestHandler | ErrorRequestHandler)[] {
	const requireJson: RequestHandler = (request, _response, next) => {
		if (request.is('application/json') || request.is('+json')) return next();
		const received = request.get('content-type') ?? 'none';
		next(
			new AppError('invalid_request', {
				detail: `Content-Type: expected application/json, received ${received.slice(0, 80)}`,
			}),
		);
	};
	const json = express.json({ limit: maxBytes, strict: false });
	/** express.json answers a body that is too long only when the client has sent all of it. */
	const parse: RequestHandler = (request, response, next) => {
		if (Number(request.headers['content-length'] ?? 0) > maxBytes) return next(tooLarge(maxBytes));
		let isOver = false;
		const end = (error?: unknown) => {
			if (isOver) return;
			isOver = true;
			next(error);
		};
		json(request, response, end);
		if (isOver) return;
		let received = 0;
		request.on('data', (chunk: Buffer) => {
			received += chunk.length;
			if (received > maxBytes) end(tooLarge(maxBytes));
		});
	};
	const translateError: ErrorRequestHandler = (error, _request, _response, next) => {
		next(toBodyError(error, maxBytes));
	};
	return [requireJson, parse, translateError];
}

function tooLarge(maxBytes: number, cause?: unknown): AppError {
	return new AppError('body_too_large', { detail: `body: expected at most ${maxBytes} bytes`, cause });
}

/** body-parser tells its errors apart by their `type`. */
function toBodyError(error: unknown, maxBytes: number): unknown {
	const type = error instanceof Error && 'type' in error ? error.type : undefined;
	switch (type) {
		case 'entity.too.large':
			return tooLarge(maxBytes, error);
		case 'entity.parse.failed':
			// The cause would quote the body, and causes are logged.
			return new AppError('invalid_request', { detail: 'body: expected JSON' });
		case 'encoding.unsupported':
		case 'charset.unsupported':
		case 'request.aborted':
		case 'request.size.invalid':
			return new AppError('invalid_request', {
				detail: `body: ${String(type).replaceAll('.', ' ')}`,
				cause: error,
			});
		default:
			return error;
	}
}
