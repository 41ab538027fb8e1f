import { randomUUID } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { batchItemId, batchResultSchema, batchSchema, type WireBatch } from '@facet/contracts';
import { generateWebhookSecret } from '@facet/webhooks';
import { FlowProducer } from 'bullmq';
import { Redis } from 'ioredis';
import sharp from 'sharp';
import { Facet } from '../support/facet.ts';
import { startHttpServer } from '../support/http-server.ts';
import { startOwnRedis } from '../support/redis.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

/**
 * What a batch costs, on a Redis of its own: how fast it is accepted, the memory of the API meanwhile, Redis memory a
 * job, and jobs done a second: `npm run bench:batch -- [--items 5000] [--faulty 1] [--photo-width 96]`.
 *
 * One item in a hundred is faulty by default: not there, or no picture. It fails unless every item is accounted for, and
 * one webhook tells of the end.
 */

const { values } = parseArgs({
	options: {
		items: { type: 'string', default: '5000' },
		faulty: { type: 'string', default: '1' },
		'photo-width': { type: 'string', default: '96' },
		json: { type: 'boolean', default: false },
	},
});
const total = Number(values.items);
const everyFaulty =
	Number(values.faulty) > 0 ? Math.round(100 / Number(values.faulty)) : Number.POSITIVE_INFINITY;

const photo = await sharp(await samplePhoto(1))
	.resize(Number(values['photo-width']))
	.jpeg()
	.toBuffer();
let release = () => {};
const released = new Promise<void>((resolveReleased) => {
	release = resolveReleased;
});
const photos = await startHttpServer(async ({ url = '' }, response) => {
	const [, kind] = url.split('/');
	if (kind === 'missing') return void response.writeHead(404).end();
	if (kind === 'corrupt') return void response.end(photo.subarray(0, 300));
	// The first photo holds its worker until the memory of the others is measured.
	if (kind === 'held') await released;
	response.end(photo);
});
const secret = generateWebhookSecret();
const hook = await WebhookReceiver.start(secret);
const redisServer = await startOwnRedis();
const redis = new Redis(redisServer.url);
const facet = await Facet.start(
	redisServer.url,
	{
		MODELS_DIR: resolve('models'),
		MAX_BATCH_ITEMS: String(Math.max(total, 10_000)),
		WEBHOOK_SECRET: secret,
	},
	0,
);
try {
	const figures = await measure();
	if (values.json) console.log(JSON.stringify(figures));
	else console.table(figures);
} finally {
	await facet.stop();
	redis.disconnect();
	await photos.close();
	await hook.close();
	await redisServer.stop();
}

async function measure(): Promise<Record<string, number>> {
	// Code and buffers that the first batch brings with it are there to stay; the second one shows what a batch adds.
	const warmUp = await submit(1000, 'missing');
	const first = await facet.startWorker();
	await completed(warmUp.id);
	await first.end();
	const idleMiB = await apiMiB();
	const watch = watchApi();
	const acceptedAt = performance.now();
	const batch = await submit(total);
	const acceptMs = performance.now() - acceptedAt;
	const peakMiB = await watch.stop();

	const emptyBytes = await redisBytes();
	const worker = await facet.startWorker({ WORKER_CONCURRENCY: '1' });
	await worker.logged('batch: task done', ({ batchId }) => batchId === batch.id);
	const waitingBytes = await redisBytes();
	const flowBytes = await flowBytesOf(total);

	const startedAt = performance.now();
	await facet.startWorker({
		WORKER_CONCURRENCY: String(availableParallelism() + 1),
		INFERENCE_THREADS: String(availableParallelism()),
	});
	release();
	const ended = await completed(batch.id);
	const seconds = (performance.now() - startedAt) / 1000;
	const doneBytes = await redisBytes();
	await check(ended);
	const { succeeded, failed } = ended.counts;
	return {
		items: total,
		succeeded,
		failed,
		'accepted after, ms': Math.round(acceptMs),
		'items accepted a second': Math.round((total / acceptMs) * 1000),
		'API before, MiB': idleMiB,
		'API at most while it accepts, MiB': peakMiB,
		'Redis, bytes a waiting job': Math.round((waitingBytes - emptyBytes) / total),
		'Redis, bytes a waiting child of a flow': Math.round(flowBytes / total),
		'Redis, bytes a finished job, result included': Math.round((doneBytes - emptyBytes) / total),
		'jobs done a second': Math.round(total / seconds),
	};
}

/** @throws Error unless each item has the end that it should have, and one webhook has told of the batch's. */
async function check({ id, status, counts }: WireBatch): Promise<void> {
	const text = await (await fetch(`${facet.url}/v1/batches/${id}/results`)).text();
	const results = text
		.trimEnd()
		.split('\n')
		.map((line) => batchResultSchema.parse(JSON.parse(line)));
	const wrong = results.filter(
		({ index, ...result }, place) =>
			index !== place || result.status !== (isFaulty(index) ? 'failed' : 'succeeded'),
	);
	// The schedule's first attempt is at once; what came twice would have come by now.
	await hook.got(1);
	await delay(3000);
	const sum = Object.values(counts).reduce((all, count) => all + count, 0);
	const isRight = status === 'completed' && results.length === total && sum === total && wrong.length === 0;
	if (isRight && hook.received.length === 1 && hook.received[0]?.id === `msg_${id}`) return;
	const seen = { status, counts, lines: results.length, wrong: wrong.length, webhooks: hook.received.length };
	throw new Error(`Expected ${total} items accounted for and one webhook, received ${JSON.stringify(seen)}`);
}

function isFaulty(index: number): boolean {
	return (index + 1) % everyFaulty === 0;
}

/** The defaults, and the items, all of one kind if one is given. */
function* lines(count: number, kind?: string): Generator<string> {
	if (kind === undefined) yield `${JSON.stringify({ defaults: { webhook_url: hook.url } })}\n`;
	for (let index = 0; index < count; index += 1) {
		const fault = index % 200 < 100 ? 'missing' : 'corrupt';
		const path = kind ?? (index === 0 ? 'held' : isFaulty(index) ? fault : 'photo');
		yield `${JSON.stringify({ url: `${photos.url}/${path}/${index}.jpg` })}\n`;
	}
}

async function submit(count: number, kind?: string): Promise<WireBatch> {
	const response = await fetch(`${facet.url}/v1/batches`, {
		method: 'POST',
		headers: { 'content-type': 'application/x-ndjson' },
		body: [...lines(count, kind)].join(''),
	});
	if (response.status !== 202) throw new Error(`Expected 202, received ${await response.text()}`);
	return batchSchema.parse(await response.json());
}

async function completed(id: string): Promise<WireBatch> {
	for (;;) {
		const batch = batchSchema.parse(await (await fetch(`${facet.url}/v1/batches/${id}`)).json());
		if (batch.status !== 'processing') return batch;
		await delay(200);
	}
}

/** Resident memory of the API, by its own metrics. */
async function apiMiB(): Promise<number> {
	const metrics = await (await fetch(`${facet.url}/metrics`)).text();
	const bytes = /^process_resident_memory_bytes\S* (\S+)$/m.exec(metrics)?.[1];
	return Math.round(Number(bytes) / 2 ** 20);
}

function watchApi(): { stop(): Promise<number> } {
	const stop = new AbortController();
	const watching = (async () => {
		let most = 0;
		while (!stop.signal.aborted) {
			most = Math.max(most, await apiMiB());
			await delay(20);
		}
		return Math.max(most, await apiMiB());
	})();
	return {
		stop: () => {
			stop.abort();
			return watching;
		},
	};
}

async function redisBytes(): Promise<number> {
	return Number(/^used_memory:(\d+)/m.exec(await redis.info('memory'))?.[1]);
}

/** What as many children of one BullMQ flow take, with the data and options of the batch's own jobs. */
async function flowBytesOf(count: number): Promise<number> {
	const prefix = '{bench-flow}';
	const flows = new FlowProducer({ connection: redis, prefix });
	const batchId = randomUUID();
	const keep = { age: 86_400, count: 1000 };
	const before = await redisBytes();
	await flows.add({
		name: 'batch',
		queueName: 'batch',
		data: {},
		opts: { jobId: batchId },
		children: Array.from({ length: count }, (_, index) => ({
			name: 'detect',
			queueName: 'detect',
			data: {
				source: { kind: 'url', url: `${photos.url}/photo/${index}.jpg` },
				options: { numFrames: 5, returnFaceUrl: false, singleFace: false },
				owner: 'open',
				batchId,
				deadline: Date.now(),
			},
			opts: {
				jobId: batchItemId(batchId, index),
				priority: 20,
				attempts: 3,
				backoff: { type: 'exponential', delay: 1000, jitter: 0.5 },
				removeOnComplete: keep,
				removeOnFail: keep,
				ignoreDependencyOnFailure: true,
			},
		})),
	});
	const bytes = (await redisBytes()) - before;
	await flows.close();
	await redis.unlink(await redis.keys(`${prefix}*`));
	return bytes;
}
