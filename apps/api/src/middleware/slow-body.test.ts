import { once } from 'node:events';
import { type AddressInfo, connect } from 'node:net';
import express from 'express';
import { afterEach, describe, expect, it } from 'vitest';
import { cutSlowBodies } from './slow-body.ts';

const INTERVAL_MS = 100;

let close = () => {};
afterEach(() => close());

/** Sends a body of so many bytes in pieces, and gives what came back before the connection ended. */
async function send(pieceBytes: number, everyMs: number, totalBytes: number): Promise<string> {
	const app = express();
	app.use(cutSlowBodies({ minBytes: 1000, intervalMs: INTERVAL_MS }));
	app.post('/', (request, response) => {
		let bytes = 0;
		request.on('data', (chunk: Buffer) => {
			bytes += chunk.length;
		});
		request.on('end', () => response.send(`${bytes} bytes`));
	});
	const server = app.listen(0, '127.0.0.1');
	close = () => server.close();
	await once(server, 'listening');
	const socket = connect((server.address() as AddressInfo).port, '127.0.0.1');
	let answer = '';
	socket.on('data', (chunk) => {
		answer += chunk.toString();
	});
	socket.on('error', () => {});
	socket.write(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${totalBytes}\r\n\r\n`);
	let left = totalBytes;
	const timer = setInterval(() => {
		const bytes = Math.min(left, pieceBytes);
		left -= bytes;
		if (bytes > 0 && socket.writable) socket.write(Buffer.alloc(bytes));
	}, everyMs);
	// Not `once`, to which an error is the end.
	await new Promise((resolve) => socket.on('close', resolve));
	clearInterval(timer);
	return answer;
}

describe('bodies', () => {
	it('that trickle are cut off', async () => {
		expect(await send(1, 20, 100_000)).toBe('');
	});

	it('of which nothing comes are cut off', async () => {
		expect(await send(0, 1000, 100_000)).toBe('');
	});

	it('that take their time are read', async () => {
		expect(await send(20_000, 20, 400_000)).toMatch(/400000 bytes$/);
	});

	it('of few bytes are read', async () => {
		expect(await send(10, 1, 10)).toMatch(/10 bytes$/);
	});
});
