import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import { expect, it } from 'vitest';
import { stopServer, watchUnheard } from './stop-server.ts';

/** Far more than a test waits for, so that one that needs it fails. */
const GRACE_MS = 60_000;
const TIMEOUT_MS = 10_000;

async function listen(listener: RequestListener) {
	const server = createServer(listener);
	const unheard = watchUnheard(server);
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const stop = () => stopServer(server, { graceMs: GRACE_MS, onGraceOver: async () => {}, unheard });
	return { server, unheard, stop };
}

/** A connection that the server knows of, and that has sent this much. */
async function open(server: Server, text = ''): Promise<Socket> {
	const address = server.address();
	if (typeof address !== 'object' || address === null) throw new Error('a server without a port');
	const accepted = once(server, 'connection');
	const socket = connect(address.port, '127.0.0.1').on('error', () => {});
	const [peer]: Socket[] = await accepted;
	socket.write(text);
	await expect.poll(() => peer?.bytesRead).toBe(text.length);
	return socket;
}

it.each([
	['that says nothing', ''],
	['in the middle of its headers', 'GET / HTTP/1.1\r\nHo'],
])('a connection %s does not hold up the stop', { timeout: TIMEOUT_MS }, async (_, text) => {
	const { server, stop } = await listen((_request, response) => response.end());
	const socket = await open(server, text);
	const closed = once(socket, 'close');
	await stop();
	await closed;
});

it('a request under way is answered before the stop', { timeout: TIMEOUT_MS }, async () => {
	let answer = () => {};
	const { server, unheard, stop } = await listen((_request, response) => {
		answer = () => response.end('the answer');
	});
	const arrived = once(server, 'request');
	const socket = await open(server, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
	await arrived;
	expect(unheard.size).toBe(0);
	const chunks: Buffer[] = [];
	socket.on('data', (chunk: Buffer) => chunks.push(chunk));
	const closed = once(socket, 'close');
	const stopped = stop();
	answer();
	await Promise.all([stopped, closed]);
	expect(Buffer.concat(chunks).toString()).toContain('the answer');
});

it('headers that are on their way come to their end', { timeout: TIMEOUT_MS }, async () => {
	const { server, stop } = await listen((_request, response) => response.end('the answer'));
	const socket = await open(server, 'GET / HTTP/1.1\r\nHo');
	const chunks: Buffer[] = [];
	socket.on('data', (chunk: Buffer) => chunks.push(chunk));
	const closed = once(socket, 'close');
	const stopped = stop();
	socket.write('st: a\r\n\r\n');
	await Promise.all([stopped, closed]);
	expect(Buffer.concat(chunks).toString()).toContain('the answer');
});
