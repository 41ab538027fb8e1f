import { existsSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { AppError, type RgbImage } from '@facet/contracts';
import { inferenceThread } from './inference-thread.ts';

/** A thread for the tests of pool and process: real, but without networks. */

export type TestTask =
	| { readonly kind: 'echo'; readonly value: string }
	| { readonly kind: 'sleep'; readonly ms: number }
	| { readonly kind: 'fail'; readonly message: string }
	| { readonly kind: 'refuse' }
	| { readonly kind: 'crash' }
	| { readonly kind: 'exit' }
	/** Answers how many tasks the thread had at most meanwhile. */
	| { readonly kind: 'neighbours'; readonly ms: number }
	/** Answers which threads have done the parts of a picture. */
	| { readonly kind: 'parts'; readonly count: number; readonly ms: number }
	/** Ends the whole process, as a fault of native code does. */
	| { readonly kind: 'segfault' }
	/** Never ends, and lets nothing else of its thread go on. */
	| { readonly kind: 'spin' }
	| { readonly kind: 'environment' }
	/** Writes to a file, or to standard output or error by their number. */
	| { readonly kind: 'write'; readonly to: string | number; readonly text: string };

export interface TestThreadOptions {
	readonly missingModel?: boolean;
	/** A file; while it is there nothing can be loaded. */
	readonly missingWhile?: string;
}

let running = 0;
let most = 0;

const PICTURE: RgbImage = { data: Uint8Array.of(1, 2, 3), width: 1, height: 1 };

export const { ready, run } = inferenceThread(
	async ({ missingModel, missingWhile }: TestThreadOptions, division) => {
		const doParts = division.divide('sleep', async (_image, ms: number) => {
			await sleep(ms);
			return threadId;
		});
		if (missingModel || (missingWhile !== undefined && existsSync(missingWhile)))
			throw new Error('The weights of ultraface are missing');
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
				case 'neighbours':
					running += 1;
					most = Math.max(most, running);
					await sleep(task.ms);
					running -= 1;
					return String(most);
				case 'parts': {
					const parts = Array.from({ length: task.count }, () => task.ms);
					return (await doParts(PICTURE, parts)).join();
				}
				case 'segfault':
					process.kill(process.pid, 'SIGSEGV');
					await sleep(60_000);
					return 'unreachable';
				case 'spin':
					for (;;);
				case 'environment':
					// biome-ignore lint/style/noProcessEnv: what a child has of it is what the test asks.
					return JSON.stringify(process.env);
				case 'write':
					writeFileSync(task.to, task.text);
					return 'written';
				case 'exit':
					process.exit(3);
			}
		};
	},
);
