import { AppError, type Logger } from '@facet/contracts';
import { afterEach, describe, expect, test } from 'vitest';
import { InferencePool } from './inference-pool.ts';
import type { TestTask, TestThreadOptions } from './inference-pool-test-thread.ts';

const silent: Logger = { debug() {}, info() {}, warn() {}, error() {} };
const pools: InferencePool<TestTask, string>[] = [];

afterEach(async () => {
	await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

function createPool(threads: number, workerData: TestThreadOptions = {}) {
	const pool = new InferencePool<TestTask, string>({
		threadEntry: new URL('../dist/inference-pool-test-thread.js', import.meta.url),
		threads,
		workerData,
		logger: silent,
	});
	pools.push(pool);
	return pool;
}

async function startPool(threads = 1) {
	const pool = createPool(threads);
	await pool.start();
	return pool;
}

const sleep = (ms: number): TestTask => ({ kind: 'sleep', ms });

describe('InferencePool', () => {
	test('runs tasks in all of its threads', async () => {
		const pool = await startPool(2);
		const names = await Promise.all([1, 2, 3, 4].map(() => pool.run(sleep(50))));
		expect(new Set(names).size).toBe(2);
	});

	test('threads that have nothing to do help with a lone task, and with no other', async () => {
		const pool = await startPool(2);
		const parts: TestTask = { kind: 'parts', count: 6, ms: 20 };
		expect(new Set((await pool.run(parts, true)).split(',')).size).toBe(2);
		expect(new Set((await pool.run(parts, false)).split(',')).size).toBe(1);
	});

	test('a lone task wakes no more than three other threads', async () => {
		const pool = await startPool(8);
		const doneBy = (await pool.run({ kind: 'parts', count: 40, ms: 20 }, true)).split(',');
		expect(doneBy).toHaveLength(40);
		expect(new Set(doneBy).size).toBe(4);
	});

	test('start fails with the message of a missing model, and does not hang', async () => {
		await expect(createPool(2, { missingModel: true }).start()).rejects.toThrow(
			'The weights of ultraface are missing',
		);
	});

	test('start fails when the thread module is not there', async () => {
		const pool = new InferencePool({
			threadEntry: new URL('./no-such-module.js', import.meta.url),
			threads: 1,
			workerData: {},
			logger: silent,
		});
		await expect(pool.start()).rejects.toThrow(/no-such-module/);
	});

	test('a failing task rejects with its error', async () => {
		const pool = await startPool();
		const failure = pool.run({ kind: 'fail', message: 'no pixels' });
		await expect(failure).rejects.toThrow(new TypeError('no pixels'));
	});

	test('an AppError keeps its code, detail and cause across threads', async () => {
		const pool = await startPool();
		const error = await pool.run({ kind: 'refuse' }).catch((reason: unknown) => reason);
		expect(error).toBeInstanceOf(AppError);
		expect(error).toMatchObject({
			code: 'corrupt_media',
			detail: 'not a JPEG',
			cause: expect.objectContaining({ message: 'bad marker' }),
		});
	});

	test.each(['crash', 'exit'] as const)(
		'a thread that dies (%s) rejects its task and is replaced',
		async (kind) => {
			const pool = await startPool();
			await expect(pool.run({ kind })).rejects.toMatchObject({ code: 'worker_lost' });
			expect(await pool.run({ kind: 'echo', value: 'still here' })).toBe('still here');
		},
	);
});
