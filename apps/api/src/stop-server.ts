import type { Server } from 'node:http';

export interface StopOptions {
	/** How long requests under way may take to be answered, in milliseconds. */
	readonly graceMs: number;
	/** Called when that time is over: the place to answer what still waits. */
	readonly onGraceOver: () => Promise<void>;
}

/** After the last answers were written, a client gets this long to read them. */
const LAST_WORDS_MS = 1000;

const IDLE_CHECK_MS = 50;

/** Stops accepting, lets requests under way be answered, and cuts what is left after the grace. */
export async function stopServer(server: Server, { graceMs, onGraceOver }: StopOptions): Promise<void> {
	let cut: NodeJS.Timeout | undefined;
	const grace = setTimeout(() => {
		cut = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
		void onGraceOver();
	}, graceMs);
	// A kept-alive connection turns idle only after its last answer, and Node looks just once, at `close`.
	const idle = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS);
	await new Promise<void>((resolve) => server.close(() => resolve()));
	clearInterval(idle);
	clearTimeout(grace);
	clearTimeout(cut);
}
