import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { jobProgressEventSchema, jobStatusEventSchema } from '@facet/contracts';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Clips } from '../support/clips.ts';
import type { ReceivedEvent } from '../support/event-reader.ts';
import { Facet } from '../support/facet.ts';
import { type GatedSource, startGatedSource } from '../support/gated-source.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { readProblem, V1Client } from '../support/v1.ts';

const EVENT_ID = /^\d+-\d+$/;
const END_ID = /^\d+-\d+-end$/;

/** What a reader of the events is told, in short. */
function told(events: readonly ReceivedEvent[]): string[] {
	return events.map(({ event, data }) => {
		if (event === 'status') return jobStatusEventSchema.strict().parse(data).status;
		const { frames_done, frames_wanted } = jobProgressEventSchema.strict().parse(data);
		return `${frames_done}/${frames_wanted}`;
	});
}

let facet: Facet;
let v1: V1Client;
let clipsDirectory: string;
let video: Buffer;
let photo: Buffer;
let source: GatedSource;

beforeAll(async () => {
	clipsDirectory = await mkdtemp(join(tmpdir(), 'facet-test-clips-'));
	video = await readFile(await new Clips(clipsDirectory).get('mp4-h264'));
	photo = await samplePhoto(1);
	source = await startGatedSource(video);
	facet = await Facet.start(inject('redisUrl'), { WORKER_CONCURRENCY: '2' });
	v1 = new V1Client(facet.url);
});

afterAll(async () => {
	await facet?.stop();
	await source?.close();
	await rm(clipsDirectory, { recursive: true, force: true });
});

/** Resolves when a worker has the job and waits for its source. */
async function untilProcessing(id: string): Promise<void> {
	await expect.poll(async () => (await v1.get(id)).status, { timeout: 20_000 }).toBe('processing');
}

describe('the events of a job', () => {
	it('begin with the job as it is, tell each frame, and end with its end', async () => {
		source.shut();
		const { body } = await v1.submit({ url: `${source.url}/video.mp4`, num_frames: 6 });
		await untilProcessing(body.id);
		const reader = await v1.events(body.id);
		expect(reader.status).toBe(200);
		expect(reader.headers.get('content-type')).toMatch(/^text\/event-stream/);
		expect(reader.headers.get('cache-control')).toContain('no-store');
		const first = await reader.next();
		expect(first?.data).toMatchObject({ id: body.id, status: 'processing', at: expect.any(String) });
		source.open();
		const events = await reader.rest();
		expect(told(events)).toEqual(['0/6', '1/6', '2/6', '3/6', '4/6', '5/6', '6/6', 'succeeded']);
		for (const { id } of events.slice(0, -1)) expect(id).toMatch(EVENT_ID);
		expect(events.at(-1)?.id).toMatch(END_ID);
		expect(new Set(events.map(({ id }) => id)).size).toBe(events.length);
		expect((await v1.get(body.id)).status).toBe('succeeded');
	});

	it('go on where they were cut, with what was missed', async () => {
		source.shut();
		const { body } = await v1.submit({ url: `${source.url}/video.mp4`, num_frames: 5 });
		await untilProcessing(body.id);
		const reader = await v1.events(body.id);
		const status = await reader.next();
		source.open();
		const seen = await reader.until(({ data }) => data.frames_done === 1);
		reader.cut();
		// All that comes now is missed.
		expect((await v1.get(body.id, 60)).status).toBe('succeeded');
		const resumed = await v1.events(body.id, { 'last-event-id': seen.at(-1)?.id ?? '' });
		const missed = await resumed.rest();
		expect(told(missed)).toEqual(['2/5', '3/5', '4/5', '5/5', 'succeeded']);
		// From an earlier event the later ones come again, with the ids that they had.
		const again = await v1.events(body.id, { 'last-event-id': status?.id ?? '' });
		expect(await again.rest()).toEqual([...seen, ...missed]);
	});

	it('have an end that is not told twice', async () => {
		const { body } = await v1.submit({ img: photo.toString('base64') }, { prefer: 'wait=55' });
		const events = await (await v1.events(body.id)).rest();
		expect(told(events)).toEqual(['succeeded']);
		const reader = await v1.events(body.id, { 'last-event-id': events[0]?.id ?? '' });
		expect(reader.status).toBe(204);
	});

	it('are those of a snapshot when the last one is unknown, or too long ago', async () => {
		const { body } = await v1.submit({ img: photo.toString('base64') }, { prefer: 'wait=55' });
		for (const last of ['nonsense', '1-0', '-end']) {
			const reader = await v1.events(body.id, { 'last-event-id': last });
			expect(told(await reader.rest())).toEqual(['succeeded']);
		}
	});

	it('tell that a job was queued, taken, failed', async () => {
		source.shut();
		const blockers = await Promise.all([1, 2].map((n) => v1.submit({ url: `${source.url}/blocker-${n}` })));
		for (const { body } of blockers) await untilProcessing(body.id);
		const { body } = await v1.submit({ img: photo.subarray(0, 3000).toString('base64') });
		const reader = await v1.events(body.id);
		expect((await reader.next())?.data).toMatchObject({ status: 'queued' });
		source.open();
		expect(told(await reader.rest())).toEqual(['processing', 'failed']);
		for (const blocker of blockers) await v1.get(blocker.body.id, 60);
	});

	it('end as canceled, whether the job waits or runs', async () => {
		source.shut();
		const running = await Promise.all([1, 2].map((n) => v1.submit({ url: `${source.url}/canceled-${n}` })));
		for (const { body } of running) await untilProcessing(body.id);
		const waiting = await v1.submit({ img: photo.toString('base64') });
		const ids = [waiting, ...running].map(({ body }) => body.id);
		const readers = await Promise.all(ids.map((id) => v1.events(id)));
		for (const reader of readers) await reader.next();
		for (const id of ids) await v1.cancel(id);
		for (const reader of readers) expect(told(await reader.rest())).toEqual(['canceled']);
		source.open();
	});

	it('end when the job is deleted, and are 404 afterwards', async () => {
		source.shut();
		const { body } = await v1.submit({ url: `${source.url}/deleted` });
		await untilProcessing(body.id);
		const reader = await v1.events(body.id);
		expect((await reader.next())?.data).toMatchObject({ status: 'processing' });
		await v1.delete(body.id);
		await reader.rest();
		expect((await readProblem(await v1.fetch(`/${body.id}/events`))).status).toBe(404);
		source.open();
	});

	it('have a sign of life while nothing happens', async () => {
		source.shut();
		const { body } = await v1.submit({ url: `${source.url}/slow` });
		const reader = await v1.events(body.id);
		await reader.comment();
		reader.cut();
		source.open();
		expect((await v1.get(body.id, 60)).status).toBe('succeeded');
	});

	it('of no job are 404', async () => {
		expect((await readProblem(await v1.fetch(`/${randomUUID()}/events`))).code).toBe('not_found');
	});
});

it('an API that is told to stop ends the streams, and another one goes on with them', async () => {
	source.shut();
	const api = await facet.startApi();
	const stopping = new V1Client(facet.url);
	const { body } = await stopping.submit({ url: `${source.url}/video.mp4`, num_frames: 2 });
	await untilProcessing(body.id);
	const reader = await stopping.events(body.id);
	const first = await reader.next();
	expect(await api.end('SIGTERM')).toBe(0);
	expect(await reader.rest()).toEqual([]);
	const resumed = await v1.events(body.id, { 'last-event-id': first?.id ?? '' });
	source.open();
	expect(told(await resumed.rest())).toEqual(['0/2', '1/2', '2/2', 'succeeded']);
});
