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

	test('counts the tasks that wait beyond two a thread', async () => {
		const pool = await startPool();
		const tasks = [1, 2, 3, 4, 5].map(() => pool.run(sleep(30)));
		expect(pool.runningTasks).toBe(2);
		expect(pool.queueSize).toBe(3);
		await Promise.all(tasks);
		expect(pool.runningTasks).toBe(0);
		expect(pool.queueSize).toBe(0);
	});

	test('an aborted task that waits leaves the queue', async () => {
		const pool = await startPool();
		const busy = [pool.run(sleep(100)), pool.run(sleep(100))];
		const controller = new AbortController();
		const waiting = pool.run({ kind: 'echo', value: 'never' }, { signal: controller.signal });
		controller.abort(new Error('given up'));
		await expect(waiting).rejects.toThrow('given up');
		expect(pool.queueSize).toBe(0);
		await Promise.all(busy);
	});

	test('an aborted task that runs rejects at once and leaves its thread alive', async () => {
		const pool = await startPool();
		const neighbour = pool.run(sleep(150));
		const aborted = pool.run(sleep(150), { signal: AbortSignal.timeout(20) });
		await expect(aborted).rejects.toMatchObject({ name: 'TimeoutError' });
		expect(pool.runningTasks).toBe(2);
		expect(await neighbour).toMatch(/^thread/);
	});

	test('close lets running and waiting tasks finish, and takes no more', async () => {
		const pool = await startPool();
		const tasks = [1, 2, 3].map(() => pool.run(sleep(40)));
		const closed = pool.close();
		await expect(pool.run(sleep(1))).rejects.toMatchObject({ code: 'shutting_down' });
		await closed;
		expect(pool.runningTasks).toBe(0);
		expect(await Promise.all(tasks)).toHaveLength(3);
	});
});
