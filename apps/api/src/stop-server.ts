import type { Server } from 'node:http';
import type { Socket } from 'node:net';

export interface StopOptions {
	/** How long requests under way may take to be answered, in milliseconds. */
	readonly graceMs: number;
	/** Called when that time is over: the place to answer what still waits. */
	readonly onGraceOver: () => void;
	/** Connections on which no request has come, see `watchUnheard`. */
	readonly unheard: ReadonlySet<Socket>;
}

/** After the last answers were written, a client gets this long to read them. */
const LAST_WORDS_MS = 1000;
/** And this long to get to the end of the headers that it is sending. */
const LAST_HEADERS_MS = 1000;

const IDLE_CHECK_MS = 50;

/**
 * The connections of a server on which no request has come until now. Node takes them for busy, until their headers are
 * late; and once a server closes it no longer looks for late ones.
 */
export function watchUnheard(server: Server): ReadonlySet<Socket> {
	const unheard = new Set<Socket>();
	server.on('connection', (socket: Socket) => {
		unheard.add(socket);
		socket.once('close', () => unheard.delete(socket));
	});
	server.on('request', ({ socket }) => unheard.delete(socket));
	return unheard;
}

/** Stops accepting, lets requests under way be answered, and cuts what is left after the grace. */
export async function stopServer(
	server: Server,
	{ graceMs, onGraceOver, unheard }: StopOptions,
): Promise<void> {
	let cut: NodeJS.Timeout | undefined;
	const grace = setTimeout(() => {
		cut = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
		onGraceOver();
	}, graceMs);
	const startedAt = performance.now();
	const closeIdle = () => {
		server.closeIdleConnections();
		const isLate = performance.now() - startedAt > LAST_HEADERS_MS;
		for (const socket of unheard) if (isLate || socket.bytesRead === 0) socket.destroy();
	};
	// A kept-alive connection turns idle only after its last answer, and Node looks just once, at `close`.
	const idle = setInterval(closeIdle, IDLE_CHECK_MS);
	await new Promise<void>((resolve) => server.close(() => resolve()));
	clearInterval(idle);
	clearTimeout(grace);
	clearTimeout(cut);
}
