import { describe, expect, it } from 'vitest';
import { type ServerSentEvent, serverSentEvents } from './server-sent-events.ts';

async function parse(...chunks: string[]): Promise<ServerSentEvent[]> {
	const encoder = new TextEncoder();
	const body = new ReadableStream<Uint8Array>({
		start(controller) {
			for (const chunk of chunks) controller.enqueue(encoder.encode(chunk));
			controller.close();
		},
	});
	const events: ServerSentEvent[] = [];
	for await (const event of serverSentEvents(body)) events.push(event);
	return events;
}

describe('serverSentEvents', () => {
	it('puts events together from chunks that are cut anywhere', async () => {
		const text =
			'retry: 2000\n\n: beat\n\nid: 7-0\nevent: status\ndata: {"a":1}\n\ndata:two\ndata: lines\n\n';
		const expected = [
			{ id: '7-0', type: 'status', data: '{"a":1}' },
			{ id: '7-0', type: 'message', data: 'two\nlines' },
		];
		expect(await parse(text)).toEqual(expected);
		expect(await parse(...text)).toEqual(expected);
		expect(await parse(text.replaceAll('\n', '\r\n'))).toEqual(expected);
	});

	it('leaves out an event that is not finished', async () => {
		expect(await parse('id: 1\ndata: a\n\nid: 2\ndata: b\n')).toEqual([
			{ id: '1', type: 'message', data: 'a' },
		]);
	});
});
