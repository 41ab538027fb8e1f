import type { StageTimings } from '@facet/contracts';

/** Adds up how long each stage of a job took. */
export class StageClock {
	readonly #timings: StageTimings = { fetch: 0, decode: 0, detect: 0, crop: 0, upload: 0 };

	/** Runs `action` and books its time on `stage`. */
	async time<T>(stage: keyof StageTimings, action: () => Promise<T>): Promise<T> {
		const startedAt = performance.now();
		try {
			return await action();
		} finally {
			this.add(stage, performance.now() - startedAt);
		}
	}

	/** Passes the items on and books the time of waiting for each on `stage`. */
	async *timeEach<T>(stage: keyof StageTimings, items: AsyncIterable<T>): AsyncGenerator<T> {
		const iterator = items[Symbol.asyncIterator]();
		try {
			for (;;) {
				const next = await this.time(stage, () => iterator.next());
				if (next.done) return;
				yield next.value;
			}
		} finally {
			await iterator.return?.();
		}
	}

	add(stage: keyof StageTimings, ms: number): void {
		this.#timings[stage] += ms;
	}

	/** Milliseconds with one decimal. */
	get timings(): StageTimings {
		const { fetch, decode, detect, crop, upload } = this.#timings;
		const tenths = (ms: number) => Math.round(ms * 10) / 10;
		return {
			fetch: tenths(fetch),
			decode: tenths(decode),
			detect: tenths(detect),
			crop: tenths(crop),
			upload: tenths(upload),
		};
	}
}
