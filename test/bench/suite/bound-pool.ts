import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { BoundTask } from './bound-thread.ts';

export interface BoundOptions {
	readonly threads: number;
	/** Photos under way in each thread. */
	readonly inFlight?: number;
}

/** The bound of what the service can do: decoding and the networks alone, in threads of this process. */
export class BoundPool {
	readonly #threads: readonly Worker[];

	private constructor(threads: readonly Worker[]) {
		this.#threads = threads;
	}

	/** @param model - name of a detection network, or the path of one. */
	static async start(modelsDir: string, model: string, threads: number): Promise<BoundPool> {
		const workers = Array.from(
			{ length: threads },
			() => new Worker(new URL('./bound-thread.js', import.meta.url), { workerData: { modelsDir, model } }),
		);
		await Promise.all(workers.map((worker) => once(worker, 'message')));
		return new BoundPool(workers);
	}

	/** Looks at the photos, each in the next free of so many threads; photos a second. */
	async run(paths: readonly string[], { threads, inFlight = 2 }: BoundOptions): Promise<number> {
		const next = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
		const task: BoundTask = { paths, next, inFlight };
		const startedAt = performance.now();
		await Promise.all(
			this.#threads.slice(0, threads).map(async (thread) => {
				const done = once(thread, 'message');
				thread.postMessage(task);
				await done;
			}),
		);
		return (1000 * paths.length) / (performance.now() - startedAt);
	}

	/** Call it when nothing runs: a thread that ends during a run of a network takes the process with it. */
	async close(): Promise<void> {
		await Promise.all(this.#threads.map((thread) => thread.terminate()));
	}
}
