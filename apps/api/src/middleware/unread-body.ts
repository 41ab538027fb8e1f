import type { RequestHandler } from 'express';

/** How long a client may go on sending after it has its answer, in milliseconds. */
const LINGER_MS = 5000;

/**
 * Throws away what a client still sends when its request was answered early, refused for its size, say. To close the
 * connection at once would reset it, and the client might never read the answer; to read on for ever would be a gift to
 * who sends for ever.
 */
export function discardUnreadBody(): RequestHandler {
	return (request, response, next) => {
		response.once('finish', () => {
			// What has come already must be read as well before the connection can take the next request.
			request.resume();
			if (request.complete) return;
			const cut = setTimeout(() => request.socket.destroy(), LINGER_MS);
			request.once('close', () => clearTimeout(cut));
		});
		next();
	};
}
