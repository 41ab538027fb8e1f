import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import express, { type Response } from 'express';
import { afterEach, expect, it } from 'vitest';
import { EventStream } from './event-stream.ts';

const EVENTS = 100_000;
const padding = 'x'.repeat(200);

let close: () => void = () => {};

afterEach(() => close());

/** A server that answers every request with a stream, and a client that has not read of it yet. */
async function open(onStream: (stream: EventStream, response: Response) => Promise<void> | void) {
	const app = express().get('/', (_request, response) => onStream(new EventStream(response), response));
	const server = createServer(app).listen(0, '127.0.0.1');
	await once(server, 'listening');
	close = () => server.close().closeAllConnections();
	const { port } = server.address() as AddressInfo;
	return fetch(`http://127.0.0.1:${port}`);
}

it('a client that does not read costs one event, and gets the last ones when it reads on', async () => {
	let largestBuffer = 0;
	const response = await open(async (stream, answer) => {
		for (let number = 0; number < EVENTS; number += 1) {
			stream.sendOrSkip({ event: 'progress', id: String(number), data: { number, padding } });
			largestBuffer = Math.max(largestBuffer, answer.writableLength);
			if (number % 500 === 0) await turn();
		}
		await once(answer, 'drain');
		stream.send({ event: 'status', id: 'end', data: {} });
		stream.end();
	});
	// What the client's own buffers take is read by nobody until now.
	const ids = [...(await response.text()).matchAll(/^id: (.*)$/gm)].map(([, id]) => id);
	expect(largestBuffer).toBeLessThan(100_000);
	expect(ids.length).toBeLessThan(EVENTS / 2);
	expect(ids.slice(-2)).toEqual([String(EVENTS - 1), 'end']);
});

it('writes as the standard wants it, and nothing after the end', async () => {
	const response = await open((stream) => {
		stream.send({ event: 'status', id: '1-0', data: { text: 'two\nlines' } });
		stream.end();
		stream.send({ event: 'status', id: '2-0', data: {} });
	});
	expect(response.headers.get('content-type')).toMatch(/^text\/event-stream/);
	expect(await response.text()).toBe(
		'retry: 2000\n\nid: 1-0\nevent: status\ndata: {"text":"two\\nlines"}\n\n',
	);
});
