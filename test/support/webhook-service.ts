import { randomUUID } from 'node:crypto';
import type { Delivery, DetectResult, JobEvent, Logger } from '@facet/contracts';
import { BatchStore, connectProducer, JobIndex, Queues, ResultStore } from '@facet/queue';
import { generateWebhookSecret } from '@facet/webhooks';
import { expect, inject } from 'vitest';
import { type Environment, Facet } from './facet.ts';
import { freePort } from './free-port.ts';
import { type Answer, WebhookReceiver } from './webhook-receiver.ts';

const logger: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const options = { numFrames: 5, returnFaceUrl: false, singleFace: false };

const emptyResult: DetectResult = {
	options,
	media: { kind: 'image', format: 'jpeg', width: 4, height: 3, orientation: 1, bytes: 9 },
	model: 'test',
	frames: [{ index: 0, timestampMs: null, faces: [], removed: [] }],
	persons: [],
	timings: { fetch: 1, decode: 1, detect: 1, crop: 0, upload: 0 },
};

/** Fields of a delivery, and of a problem; which are there is for the tests to say. */
interface PostAnswer {
	readonly id: string;
	readonly status: string | number;
	readonly detail: string;
}

/** How a test has a job end; the owner is the caller without a key. */
interface EndedJob {
	readonly result?: DetectResult;
	readonly owner?: string;
	readonly batchId?: string;
}

/** A Facet with what tests of webhooks need: secrets, a quick schedule, receivers, and a way past the API into Redis. */
export class WebhookService {
	/** Sign the messages of all callers without a stored key: the new one, and the one that it replaces. */
	static readonly secrets = [generateWebhookSecret(), generateWebhookSecret()] as const;

	readonly facet: Facet;
	readonly results: ResultStore;
	readonly batches: BatchStore;
	readonly redis: ReturnType<typeof connectProducer>;
	readonly #index: JobIndex;
	readonly #queues: Queues;
	readonly #receivers: WebhookReceiver[] = [];

	private constructor(facet: Facet, redis: ReturnType<typeof connectProducer>) {
		const kept = { prefix: facet.prefix, ttlSeconds: 600 };
		this.facet = facet;
		this.redis = redis;
		this.#queues = new Queues({ redis, prefix: facet.prefix, logger });
		this.#index = new JobIndex(redis, kept);
		this.results = new ResultStore(redis, kept);
		this.batches = new BatchStore(this.#queues, kept);
	}

	static async start(environment: Environment = {}, workers = 1): Promise<WebhookService> {
		const facet = await Facet.start(
			inject('redisUrl'),
			{
				// Workers put links to the API into messages.
				API_PORT: String(await freePort()),
				WEBHOOK_SECRET: WebhookService.secrets.join(),
				WEBHOOK_RETRY_SCHEDULE: '0s,100ms,200ms,300ms,400ms,500ms',
				WEBHOOK_TIMEOUT_MS: '1000',
				...environment,
			},
			workers,
		);
		const redis = connectProducer(inject('redisUrl'), logger);
		await new Promise((resolve) => redis.once('ready', resolve));
		return new WebhookService(facet, redis);
	}

	/** A receiver that is closed with the test. */
	async receiver(
		answer?: Answer,
		{ port = 0, secret = WebhookService.secrets[0] }: { port?: number; secret?: string } = {},
	): Promise<WebhookReceiver> {
		const receiver = await WebhookReceiver.start(secret, answer, port);
		this.#receivers.push(receiver);
		return receiver;
	}

	/** Submits a photo or a video that a worker looks at. @returns the job's id. */
	async submit(url: string, webhookUrl: string, events?: readonly JobEvent[]): Promise<string> {
		const { status, body } = await this.post('/v1/jobs', {
			url,
			webhook_url: webhookUrl,
			...(events && { webhook_events: events }),
		});
		expect(status).toBe(202);
		return body.id;
	}

	/** Ends a job as a worker does that dies in the same moment: the outcome is stored, and nothing else is done. */
	async endJob(
		webhookUrl: string | undefined,
		{ result = emptyResult, owner = 'open', batchId }: EndedJob = {},
	): Promise<string> {
		const jobId = randomUUID();
		const finishedAt = Date.now();
		const createdAt = finishedAt - 1000;
		await this.#index.add([{ id: jobId, owner, createdAt }]);
		await this.results.finish(jobId, {
			status: 'succeeded',
			result,
			job: {
				owner,
				createdAt,
				startedAt: createdAt,
				finishedAt,
				attempts: 1,
				...(webhookUrl !== undefined && { webhook: { url: webhookUrl } }),
				...(batchId !== undefined && { batchId }),
			},
		});
		return jobId;
	}

	async deliveries(id: string, of: 'jobs' | 'batches' = 'jobs'): Promise<Delivery[]> {
		const response = await fetch(`${this.facet.url}/v1/${of}/${id}/deliveries`);
		expect(response.status).toBe(200);
		const { data } = (await response.json()) as { data: Delivery[] };
		return data;
	}

	async post(path: string, body?: object): Promise<{ status: number; body: PostAnswer }> {
		const response = await fetch(this.facet.url + path, {
			method: 'POST',
			...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
		});
		const answer = (await response.json()) as PostAnswer;
		return { status: response.status, body: answer };
	}

	/** The delivery of a job, or of a batch, once it has come to an end. */
	async settled(id: string, of: 'jobs' | 'batches' = 'jobs'): Promise<Delivery> {
		let delivery: Delivery | undefined;
		const status = async () => {
			[delivery] = await this.deliveries(id, of);
			return delivery?.status;
		};
		await expect.poll(status, { timeout: 20_000 }).toMatch(/delivered|failed|disabled/);
		if (delivery === undefined) throw new Error('no delivery');
		return delivery;
	}

	/** Waits until so many attempts have been made. */
	async attempted(jobId: string, count: number): Promise<void> {
		const attempts = async () => (await this.deliveries(jobId))[0]?.attempts.length;
		await expect.poll(attempts, { timeout: 10_000 }).toBeGreaterThanOrEqual(count);
	}

	async closeReceivers(): Promise<void> {
		await Promise.all(this.#receivers.splice(0).map((receiver) => receiver.close()));
	}

	async stop(): Promise<void> {
		await this.closeReceivers();
		await this.facet.stop();
		await this.#queues.close();
		this.redis.disconnect();
	}
}

/** Why each attempt failed; null for one that did not. */
export function errorsOf({ attempts }: Delivery): Delivery['attempts'][number]['error'][] {
	return attempts.map(({ error }) => error);
}

/** A result that does not fit into a message. */
export const LARGE_RESULT: DetectResult = {
	...emptyResult,
	frames: Array.from({ length: 100 }, (_, index) => ({
		index,
		timestampMs: index * 40,
		faces: [],
		removed: Array.from({ length: 20 }, (_, face) => ({ x: face * 50, y: 100, width: 40, height: 40 })),
	})),
};
