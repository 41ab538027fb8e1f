import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { z } from 'zod';

export interface QueueWorkerOptions {
	readonly redisUrl: string;
	/** Key prefix, braces included. */
	readonly prefix: string;
	/** Jobs in flight. */
	readonly concurrency: number;
}

const messageSchema = z.object({ done: z.int() });

/** A process of `queue-worker.ts`. */
export class QueueWorker {
	readonly #child: ChildProcess;
	readonly #watchers = new Set<() => void>();
	#done = 0;

	private constructor(child: ChildProcess) {
		this.#child = child;
		child.on('message', (message) => {
			this.#done = messageSchema.parse(message).done;
			for (const check of this.#watchers) check();
		});
	}

	static async start(options: QueueWorkerOptions): Promise<QueueWorker> {
		const child = fork(new URL('./queue-worker.js', import.meta.url), [JSON.stringify(options)]);
		const worker = new QueueWorker(child);
		await once(child, 'message');
		return worker;
	}

	/** Resolves when so many jobs have ended. */
	done(count: number): Promise<void> {
		return new Promise((resolve) => {
			const check = () => {
				if (this.#done < count) return;
				this.#watchers.delete(check);
				resolve();
			};
			this.#watchers.add(check);
			check();
		});
	}

	async stop(): Promise<void> {
		const exited = once(this.#child, 'exit');
		this.#child.kill('SIGTERM');
		await exited;
	}
}
