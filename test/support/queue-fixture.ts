import { randomUUID } from 'node:crypto';
import type { DetectJobInput, DetectResult, JobOutcome, Logger } from '@facet/contracts';
import {
	connectConsumer,
	connectProducer,
	DetectConsumer,
	type DetectHandlerFunction,
	type Expectation,
	JobEvents,
	JobProducer,
	JobWaiter,
	Queues,
	ResultStore,
	type Urgency,
} from '@facet/queue';
import { Queue } from 'bullmq';
import { onTestFinished } from 'vitest';

export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

const options = { numFrames: 5, returnFaceUrl: false, singleFace: false };

/** A job that any handler of a test can take. */
export const anyJob: DetectJobInput = {
	source: { kind: 'url', url: 'https://example.com/photo.jpg' },
	options,
};

/** What comes of it: a photo without faces. */
export const emptyResult: DetectResult = {
	options,
	media: { kind: 'image', format: 'jpeg', width: 4, height: 3, orientation: 1, bytes: 9 },
	model: 'test',
	frames: [{ index: 0, timestampMs: null, faces: [], removed: [] }],
	persons: [],
	timings: { fetch: 1, decode: 1, detect: 1, crop: 0, upload: 0 },
};

/** An outcome whose job has the given facts, and its result the given differences from the empty one. */
export function succeeded(
	facts: Partial<JobOutcome['job']> = {},
	result: Partial<DetectResult> = {},
): JobOutcome {
	return { status: 'succeeded', result: { ...emptyResult, ...result }, job: endedJob(facts) };
}

/** An outcome without a result, whose job has the given facts. */
export function endedAs(
	status: Exclude<JobOutcome['status'], 'succeeded'>,
	facts: Partial<JobOutcome['job']> = {},
): JobOutcome {
	return { status, error: { code: status === 'failed' ? 'internal' : status }, job: endedJob(facts) };
}

function endedJob(facts: Partial<JobOutcome['job']>): JobOutcome['job'] {
	const now = Date.now();
	return { owner: 'open', createdAt: now, finishedAt: now, attempts: 1, ...facts };
}

type ConsumeOptions = Partial<
	Pick<ConstructorParameters<typeof DetectConsumer>[0], 'concurrency' | 'onEnd' | 'onDiscard'>
>;

/** A queue under a prefix of its own, as an API sees it. All that is opened here is closed at the end of the test. */
export class QueueFixture {
	readonly #redisUrl: string;
	readonly prefix = `{test-${randomUUID()}}`;
	readonly redis: ReturnType<typeof connectProducer>;
	readonly queues: Queues;
	readonly producer: JobProducer;
	readonly results: ResultStore;
	readonly #closers: (() => Promise<unknown> | unknown)[] = [];
	#waiter: JobWaiter | undefined;

	private constructor(redisUrl: string) {
		const { prefix } = this;
		this.#redisUrl = redisUrl;
		this.redis = connectProducer(redisUrl, silentLogger);
		this.queues = new Queues({ redis: this.redis, prefix, logger: silentLogger });
		this.producer = new JobProducer({ queues: this.queues, attempts: 3, keepSeconds: 60 });
		this.results = new ResultStore(this.redis, { prefix, ttlSeconds: 60 });
		this.#closers.push(
			() => this.redis.disconnect(),
			() => this.queues.close(),
		);
	}

	/** To be called in a test or before one. */
	static async start(redisUrl: string): Promise<QueueFixture> {
		const fixture = new QueueFixture(redisUrl);
		onTestFinished(async () => {
			for (const close of fixture.#closers.reverse()) await close();
		});
		await new Promise((resolve) => fixture.redis.once('ready', resolve));
		return fixture;
	}

	/** Waits for jobs, with a connection of its own from the first use on. */
	get waiter(): JobWaiter {
		if (this.#waiter) return this.#waiter;
		const redis = connectConsumer(this.#redisUrl, silentLogger);
		const { prefix, queues, results } = this;
		const waiter = new JobWaiter({ redis, prefix, queues, results, logger: silentLogger });
		this.#closers.push(() => waiter.close());
		this.#waiter = waiter;
		return waiter;
	}

	/** The queue's event stream. */
	events(): JobEvents {
		const events = new JobEvents({
			queues: this.queues,
			prefix: this.prefix,
			connect: () => connectConsumer(this.#redisUrl, silentLogger),
		});
		this.#closers.push(() => events.close());
		return events;
	}

	/** A worker, one job at a time by default. */
	consume(handler: DetectHandlerFunction, consumeOptions: ConsumeOptions = {}): DetectConsumer {
		const redis = connectConsumer(this.#redisUrl, silentLogger);
		const { prefix } = this;
		const consumer = new DetectConsumer({
			redis,
			prefix,
			concurrency: 1,
			lockMs: 10_000,
			results: new ResultStore(redis, { prefix, ttlSeconds: 60 }),
			handler,
			...consumeOptions,
			logger: silentLogger,
		});
		this.#closers.push(
			() => redis.disconnect(),
			() => consumer.close(5000),
		);
		return consumer;
	}

	/** Adds a job that is waited for. */
	async submit(
		urgency: Urgency = 'sync',
		jobId: string = randomUUID(),
	): Promise<{ jobId: string; expectation: Expectation }> {
		const expectation = this.waiter.expect(jobId);
		await this.producer.add('detect', jobId, anyJob, { urgency });
		return { jobId, expectation };
	}

	/** BullMQ's own view of the queue. */
	rawQueue(): Queue {
		const queue = new Queue('detect', { connection: this.redis, prefix: this.prefix });
		this.#closers.push(() => queue.close());
		return queue;
	}
}
