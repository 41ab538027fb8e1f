import { AppError } from '@facet/contracts';
import type { JobProducer, JobWaiter, Place, Urgency } from '@facet/queue';

export interface AdmissionOptions {
	readonly producer: Pick<JobProducer, 'takePlace' | 'waiting' | 'waitingOf'>;
	/** How fast the queue empties. */
	readonly waiter: { readonly drainRate: Pick<JobWaiter['drainRate'], 'secondsFor'> };
	/** Waiting jobs beyond which no more are taken. */
	readonly maxQueueDepth: number;
}

/** Room beyond the largest depth, as a part of it, that only callers with few jobs get. */
const EXTRA_ROOM = 0.1;
/** How many jobs are few, as a part of the largest depth. */
const FEW = 0.01;

/** Refuses what the queue has no room for. Whatever waits counts: single jobs, and all items of accepted batches. */
export class Admission {
	readonly #options: AdmissionOptions;

	constructor(options: AdmissionOptions) {
		this.#options = options;
	}

	/**
	 * Admits a single job when there is room for it; of a caller with few jobs also when others have taken all of it.
	 *
	 * @returns its place in the queue, where its caller's next job comes behind it: to be asked for when nothing else can
	 * refuse the job.
	 * @throws AppError `queue_full`, `queue_unavailable`.
	 */
	async admitJob(owner: string, urgency: Urgency): Promise<Place> {
		const { producer, maxQueueDepth } = this.#options;
		const { waiting, place } = await producer.takePlace({ owner, urgency, maxWaiting: maxQueueDepth });
		if (place) return place;
		const withExtraRoom = maxQueueDepth + Math.floor(maxQueueDepth * EXTRA_ROOM);
		if (waiting < withExtraRoom && (await producer.waitingOf(owner)) < Math.floor(maxQueueDepth * FEW)) {
			const extra = await producer.takePlace({ owner, urgency, maxWaiting: withExtraRoom });
			if (extra.place) return extra.place;
		}
		throw this.#full(waiting + 1 - maxQueueDepth);
	}

	/**
	 * Admits all items of a batch or none.
	 *
	 * @throws AppError `queue_full`, not retryable for more items than may ever wait; `queue_unavailable`.
	 */
	async admitBatch(items: number): Promise<void> {
		const { producer, maxQueueDepth } = this.#options;
		const excess = (await producer.waiting()) + items - maxQueueDepth;
		if (excess <= 0) return;
		if (items > maxQueueDepth) {
			const detail = `expected at most ${maxQueueDepth} items, which is all that may wait, received ${items}`;
			throw new AppError('queue_full', { detail, retryable: false });
		}
		throw this.#full(excess);
	}

	/** @param excess - how many jobs have to end before there is room. */
	#full(excess: number): AppError {
		const retryAfterSeconds = this.#options.waiter.drainRate.secondsFor(excess);
		return new AppError('queue_full', { detail: `try again in ${retryAfterSeconds} s`, retryAfterSeconds });
	}
}
