import { connect } from 'node:net';

/** What came back on a connection, and whether the server closed it. */
export interface RawAnswer {
	readonly text: string;
	/** Statuses of all answers, in their order. */
	readonly statuses: readonly number[];
}

/**
 * Sends bytes as they are, and reads until the server closes the connection.
 *
 * @param request - with the line ends of HTTP.
 */
export async function sendRaw(url: string, request: string): Promise<RawAnswer> {
	const { hostname, port } = new URL(url);
	const socket = connect(Number(port), hostname);
	const chunks: Buffer[] = [];
	socket.on('data', (chunk: Buffer) => chunks.push(chunk));
	// A reset says no more than that it is over.
	socket.on('error', () => {});
	socket.write(request);
	await new Promise((resolve) => socket.on('close', resolve));
	const text = Buffer.concat(chunks).toString('latin1');
	return { text, statuses: [...text.matchAll(/^HTTP\/1\.1 (\d{3})/gm)].map(([, status]) => Number(status)) };
}

/** A request as text, its connection closed after the answer. */
export function requestText(lines: readonly string[], body = ''): string {
	return `${[...lines, 'Host: facet', 'Connection: close'].join('\r\n')}\r\n\r\n${body}`;
}
