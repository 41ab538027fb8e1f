import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { AppError } from '@facet/contracts';
import { inferenceThread } from './inference-thread.ts';

/** A thread for the pool's tests: real, but without networks. */

export type TestTask =
	| { readonly kind: 'echo'; readonly value: string }
	| { readonly kind: 'sleep'; readonly ms: number }
	| { readonly kind: 'fail'; readonly message: string }
	| { readonly kind: 'refuse' }
	| { readonly kind: 'crash' }
	| { readonly kind: 'exit' };

export interface TestThreadOptions {
	readonly missingModel?: boolean;
}

export const { ready, run } = inferenceThread(async ({ missingModel }: TestThreadOptions) => {
	if (missingModel) throw new Error('The weights of ultraface are missing');
	return async (task: TestTask): Promise<string> => {
		switch (task.kind) {
			case 'echo':
				return task.value;
			case 'sleep':
				await sleep(task.ms);
				return `thread ${threadId}`;
			case 'fail':
				throw new TypeError(task.message);
			case 'refuse':
				throw new AppError('corrupt_media', { detail: 'not a JPEG', cause: new Error('bad marker') });
			case 'crash':
				// Outside of the task's promise, as a fault in a library's callback would be.
				setImmediate(() => {
					throw new Error('crashed');
				});
				await sleep(60_000);
				return 'unreachable';
			case 'exit':
				process.exit(3);
		}
	};
});
