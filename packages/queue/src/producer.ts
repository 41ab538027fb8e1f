import { type DetectJobInput, OPEN_CALLER } from '@facet/contracts';
import type { JobsOptions, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_CATALOGUE, type JobData, type JobName, type Urgency } from './catalogue.ts';
import { countWaiting } from './count-waiting.ts';
import { type Joining, joinQueue, type Place, turnsAhead } from './fair-turns.ts';
import type { Queues } from './queues.ts';

export interface ProducerOptions {
	readonly queues: Queues;
	/** How often a job is tried that fails for a reason that may pass. */
	readonly attempts: number;
	/** How long finished jobs are kept, in seconds. */
	readonly keepSeconds: number;
}

/** What a producer writes: for detect jobs, what has a default may be left out. */
export type JobInput<Name extends JobName> = Name extends 'detect' ? DetectJobInput : JobData<Name>;

export interface NewJob<Name extends JobName> {
	readonly id: string;
	readonly data: JobInput<Name>;
}

export interface AddOptions {
	/** Of detect jobs, which take turns by their owners; other queues are first come, first served. */
	readonly urgency?: Urgency;
	/** The place of a detect job, when it has been taken already. */
	readonly place?: Place;
	/** How often the job is tried; by default as the producer's jobs are. */
	readonly attempts?: number;
	/** When the job was made, in milliseconds since the epoch; now by default. */
	readonly createdAt?: number;
}

export interface QueueStatistics {
	/** Number of jobs by BullMQ state. */
	readonly counts: Readonly<Record<string, number>>;
	/** Age of the job that has waited longest, in seconds; 0 when none waits. */
	readonly oldestWaitingSeconds: number;
}

/** Finished jobs that BullMQ keeps for inspection. Outcomes live in the result store. */
const KEEP_FINISHED_JOBS = 1000;
const WAITING_STATES = ['waiting', 'prioritized', 'delayed'] as const;

/** Puts jobs on the queues and counts them. Every method throws AppError `queue_unavailable` when Redis is away. */
export class JobProducer {
	readonly #options: ProducerOptions;

	constructor(options: ProducerOptions) {
		this.#options = options;
	}

	/** Adds a job under an id of the caller's. Adding the same id twice is one job. */
	async add<Name extends JobName>(
		name: Name,
		id: string,
		data: JobInput<Name>,
		options: AddOptions = {},
	): Promise<void> {
		await this.#options.queues.use(name, async (queue, redis) => {
			const [priority] = options.place
				? [options.place.priority]
				: await prioritiesOf(queue, redis, [data], options);
			await queue.add(name, data, this.#jobOptions(name, id, priority, options));
		});
	}

	/** Adds many jobs in a few round trips, in their order. */
	async addMany<Name extends JobName>(
		name: Name,
		jobs: readonly NewJob<Name>[],
		options: AddOptions = {},
	): Promise<void> {
		if (jobs.length === 0) return;
		await this.#options.queues.use(name, async (queue, redis) => {
			const all = jobs.map(({ data }) => data);
			const priorities = await prioritiesOf(queue, redis, all, options);
			await queue.addBulk(
				jobs.map(({ id, data }, place) => ({
					name,
					data,
					opts: this.#jobOptions(name, id, priorities[place], options),
				})),
			);
		});
	}

	/** Number of detect jobs that wait for a worker, items of accepted batches that are not on the queue yet among them. */
	async waiting(): Promise<number> {
		return this.#options.queues.use('detect', countWaiting);
	}

	/**
	 * Takes a place for one detect job, to be handed to `add`.
	 *
	 * @returns how many jobs waited before; and the place, unless these were too many.
	 */
	async takePlace(joining: Omit<Joining, 'count'>): Promise<{ waiting: number; place: Place | undefined }> {
		return this.#options.queues.use('detect', async (queue, redis) => {
			const { waiting, places } = await joinQueue(queue, redis, { ...joining, count: 1 });
			return { waiting, place: places[0] };
		});
	}

	/** About how many detect jobs of a caller wait for a worker. */
	async waitingOf(owner: string): Promise<number> {
		return this.#options.queues.use('detect', (queue, redis) => turnsAhead(queue, redis, owner));
	}

	async statistics(name: JobName): Promise<QueueStatistics> {
		return this.#options.queues.use(name, async (queue) => {
			const [counts, [oldest]] = await Promise.all([
				queue.getJobCounts(...WAITING_STATES, 'active', 'completed', 'failed'),
				queue.getJobs(['waiting', 'prioritized'], 0, 0, true),
			]);
			const oldestWaitingSeconds = oldest ? Math.max(0, Date.now() - oldest.timestamp) / 1000 : 0;
			return { counts, oldestWaitingSeconds };
		});
	}

	#jobOptions(
		name: JobName,
		jobId: string,
		priority: number | undefined,
		{ attempts, createdAt }: AddOptions,
	): JobsOptions {
		const keep = { age: this.#options.keepSeconds, count: KEEP_FINISHED_JOBS };
		return {
			jobId,
			...(priority !== undefined && { priority }),
			attempts: attempts ?? this.#options.attempts,
			backoff: JOB_CATALOGUE[name].backoff,
			removeOnComplete: keep,
			removeOnFail: keep,
			...(createdAt !== undefined && { timestamp: createdAt }),
		};
	}
}

/** Of detect jobs, the place of each among the jobs of all callers; of others nothing. */
async function prioritiesOf(
	queue: Queue,
	redis: Redis,
	jobs: readonly JobInput<JobName>[],
	{ urgency = 'sync' }: AddOptions,
): Promise<(number | undefined)[]> {
	const owners = jobs.map((data) => ('source' in data ? (data.owner ?? OPEN_CALLER) : undefined));
	const priorities: (number | undefined)[] = [];
	for (const owner of new Set(owners)) {
		if (owner === undefined) continue;
		const places = owners.flatMap((other, place) => (other === owner ? [place] : []));
		const joined = await joinQueue(queue, redis, { owner, urgency, count: places.length });
		for (const [index, place] of places.entries()) priorities[place] = joined.places[index]?.priority;
	}
	return priorities;
}
