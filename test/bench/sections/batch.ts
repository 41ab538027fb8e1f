import { setTimeout as delay } from 'node:timers/promises';
import { batchSchema, type WireBatch } from '@facet/contracts';
import type { ServiceProcess } from '../../support/service-process.ts';
import type { Bench, MeasuredService, Section } from '../suite/bench.ts';
import { rounded } from '../suite/statistics.ts';

/** A look at the batch costs the API what a photo does, and there are some fifty photos a second. */
const LOOK_MS = 500;

/** One large batch, end to end, with the bound before and after it. */
export const batchSection: Section = {
	name: 'batch',
	title: 'Batch',
	async run(bench) {
		const { size, cores, photos, redis } = bench;
		const items = size.batchItems;
		const bound = await bench.bound();
		const service = await bench.service({ MAX_BATCH_ITEMS: String(Math.max(items, 10_000)) }, 0);
		const worker = await service.facet.startWorker();
		await bench.photosPerSecond(service, 12);
		const boundBefore = await bound.run(photos.paths(size.photos), { threads: cores });
		const lines = Array.from(
			{ length: items },
			(_, index) => `${JSON.stringify({ url: photos.url(index) })}\n`,
		);
		const bytesBefore = await redis.usedBytes();
		const startedAt = performance.now();
		const { id } = batchSchema.parse(await service.client.postLines('/v1/batches', lines.join('')));
		const acceptedMs = performance.now() - startedAt;
		const { bytes, inFlight } = await whenExpanded(bench, service, worker, id);
		const ended = await completed(service, id);
		const speed = (1000 * items) / (performance.now() - startedAt);
		const boundAfter = await bound.run(photos.paths(size.photos), { threads: cores });
		if (ended.counts.succeeded !== items)
			throw new Error(`Expected ${items} items to succeed, received ${JSON.stringify(ended.counts)}`);
		const ratio = rounded((2 * speed) / (boundBefore + boundAfter), 3);
		const bytesPerJob = rounded((bytes - bytesBefore) / items);
		const bytesDone = rounded(((await redis.usedBytes()) - bytesBefore) / items);
		return {
			rows: [
				{
					items,
					'accepted after, ms': rounded(acceptedMs),
					'photos a second': rounded(speed, 1),
					'of the bound': ratio,
					'Redis, bytes a job in flight': bytesPerJob,
					'Redis, bytes a finished job with its result': bytesDone,
				},
			],
			targets: [
				{ figure: 'batch, of the bound', value: ratio, least: 0.88 },
				{ figure: 'Redis, bytes a job in flight', value: bytesPerJob, most: 3000 },
			],
			figures: {
				batchPhotosPerSecond: rounded(speed, 2),
				redisBytesPerWaitingJob: bytesPerJob,
				redisBytesPerFinishedJob: bytesDone,
			},
			notes: [
				`From \`POST /v1/batches\` until the batch is completed, the upload and the making of its jobs included; one run, against the bound just before (${rounded(boundBefore, 1)} photos a second) and after (${rounded(boundAfter, 1)}). Redis is weighed when all jobs have been made, of which ${inFlight} had not ended.`,
			],
		};
	},
};

/** Redis when every item is a job, and how many of them have not ended. */
async function whenExpanded(
	bench: Bench,
	service: MeasuredService,
	worker: ServiceProcess,
	id: string,
): Promise<{ bytes: number; inFlight: number }> {
	await worker.logged('batch: task done', ({ batchId }) => batchId === id);
	const bytes = await bench.redis.usedBytes();
	const { counts } = await read(service, id);
	return { bytes, inFlight: counts.queued + counts.processing };
}

async function completed(service: MeasuredService, id: string): Promise<WireBatch> {
	for (;;) {
		const batch = await read(service, id);
		if (batch.status !== 'processing') return batch;
		await delay(LOOK_MS);
	}
}

async function read({ client }: MeasuredService, id: string): Promise<WireBatch> {
	return batchSchema.parse(await client.get(`/v1/batches/${id}`));
}
