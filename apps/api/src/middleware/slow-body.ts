import type { Request, RequestHandler } from 'express';

export interface SlowBodyLimits {
	/** Least bytes of a body in each interval. */
	readonly minBytes: number;
	readonly intervalMs: number;
}

/**
 * Cuts off clients whose bodies trickle: a connection, its buffers and often a temporary file wait with them, and a few
 * thousand such clients would be the whole service. Time in which we did not read is not held against the client.
 */
export function cutSlowBodies({ minBytes, intervalMs }: SlowBodyLimits): RequestHandler {
	return (request, _response, next) => {
		if (!hasBody(request)) return next();
		let before = request.socket.bytesRead;
		let wasRead = false;
		const timer = setInterval(() => {
			const received = request.socket.bytesRead - before;
			before += received;
			const isRead = request.readableFlowing === true || request.listenerCount('readable') > 0;
			// Only an interval in which we read from its begin to its end tells something of the client.
			if (isRead && wasRead && request.readableLength === 0 && received < minBytes) request.socket.destroy();
			wasRead = isRead;
		}, intervalMs);
		const stop = () => clearInterval(timer);
		request.once('end', stop);
		request.once('close', stop);
		next();
	};
}

function hasBody(request: Request): boolean {
	return request.headers['transfer-encoding'] !== undefined || Number(request.headers['content-length']) > 0;
}
