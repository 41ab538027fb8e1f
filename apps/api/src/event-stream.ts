import type { Response } from 'express';

export interface ServerSentEvent {
	readonly event: string;
	readonly id: string;
	readonly data: unknown;
}

/** How long a client shall wait before it connects again, in milliseconds. */
const RETRY_MS = 2000;
/** Proxies cut connections that are silent for a minute, some for half of one. */
const HEARTBEAT_MS = 15_000;

/**
 * An answer as a stream of server-sent events (HTML standard, 9.2). A client that reads slowly costs one event beyond what
 * the socket holds: of those that may be skipped the last one waits until it reads on.
 */
export class EventStream {
	readonly #response: Response;
	readonly #heartbeat: NodeJS.Timeout;
	#skipped: ServerSentEvent | undefined;

	/** Begins the answer. */
	constructor(response: Response) {
		this.#response = response;
		response.status(200).set({
			'Content-Type': 'text/event-stream',
			// Compression would hold events back, and so would the buffer of nginx.
			'Cache-Control': 'no-store, no-transform',
			'X-Accel-Buffering': 'no',
		});
		response.flushHeaders();
		response.write(`retry: ${RETRY_MS}\n\n`);
		this.#heartbeat = setInterval(() => {
			if (!response.writableNeedDrain) response.write(':\n\n');
		}, HEARTBEAT_MS);
		response.on('drain', () => {
			const skipped = this.#skipped;
			this.#skipped = undefined;
			if (skipped) this.#write(skipped);
		});
		response.once('close', () => clearInterval(this.#heartbeat));
	}

	/** Sends an event. */
	send(event: ServerSentEvent): void {
		// What was skipped before it says less than this one.
		this.#skipped = undefined;
		this.#write(event);
	}

	/** Sends an event that the next one makes obsolete. */
	sendOrSkip(event: ServerSentEvent): void {
		if (this.#response.writableNeedDrain) this.#skipped = event;
		else this.#write(event);
	}

	/** Ends the answer. */
	end(): void {
		clearInterval(this.#heartbeat);
		this.#response.end();
	}

	#write({ event, id, data }: ServerSentEvent): void {
		if (this.#response.writableEnded || this.#response.destroyed) return;
		this.#response.write(`id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
	}
}
