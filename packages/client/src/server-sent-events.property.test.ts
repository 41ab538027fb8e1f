import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ServerSentEvent, serverSentEvents } from './server-sent-events.ts';

fc.configureGlobal({ seed: 6, numRuns: 300 });

async function read(bytes: Uint8Array, cuts: readonly number[]): Promise<ServerSentEvent[]> {
	const body = new ReadableStream<Uint8Array>({
		start(controller) {
			let at = 0;
			for (const length of [...cuts, bytes.length]) {
				if (at < bytes.length) controller.enqueue(bytes.slice(at, at + length));
				at += length;
			}
			controller.close();
		},
	});
	const events: ServerSentEvent[] = [];
	for await (const event of serverSentEvents(body)) events.push(event);
	return events;
}

const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 50 });

it('a stream of any content is the same events however it comes in pieces', async () => {
	const text = fc.string({
		unit: fc.constantFrom('data', 'id', 'event', ':', ' ', '\n', '\n\n', '\r\n', '{}', 'é', '😀'),
		maxLength: 60,
	});
	await fc.assert(
		fc.asyncProperty(text, cuts, async (all, pieces) => {
			const bytes = new TextEncoder().encode(all);
			expect(await read(bytes, pieces)).toEqual(await read(bytes, []));
		}),
	);
});

it('events of any data arrive as they were sent', async () => {
	const event = fc.record({
		id: fc.stringMatching(/^\d{1,9}-\d{1,3}$/),
		type: fc.stringMatching(/^[a-z]{1,9}$/),
		data: fc.jsonValue().map((value) => JSON.stringify(value)),
	});
	await fc.assert(
		fc.asyncProperty(fc.array(event), cuts, async (events, pieces) => {
			const text = events
				.map(({ id, type, data }) => `id: ${id}\nevent: ${type}\ndata: ${data}\n\n`)
				.join('');
			expect(await read(new TextEncoder().encode(text), pieces)).toEqual(events);
		}),
	);
});
