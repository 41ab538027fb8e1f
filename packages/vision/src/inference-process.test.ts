import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { AppError, type Logger } from '@facet/contracts';
import { afterEach, describe, expect, test } from 'vitest';
import type { TestTask, TestThreadOptions } from './inference-pool-test-thread.ts';
import { InferenceProcess, type InferenceProcessOptions } from './inference-process.ts';

const run = promisify(execFile);

type Tested = InferenceProcess<TestTask, string>;

/** What the processes have logged. */
let messages: string[] = [];
const loggers = new Set<() => void>();
const note = (_fields: object, message: string) => {
	messages.push(message);
	for (const look of loggers) look();
};
const logger: Logger = { debug: note, info: note, warn: note, error: note };
const ENTRY = new URL('../dist/inference-process-test-entry.js', import.meta.url);
const processes: Tested[] = [];
let lost = 0;

afterEach(async () => {
	await Promise.all(processes.splice(0).map((process) => process.close()));
	messages = [];
	lost = 0;
});

function createProcess(
	workerData: TestThreadOptions = {},
	threads = 1,
	{ launcher = [], taskTimeoutMs = 60_000 }: Partial<InferenceProcessOptions> = {},
): Tested {
	const process = new InferenceProcess<TestTask, string>({
		entry: ENTRY,
		threads,
		workerData,
		launcher,
		taskTimeoutMs,
		environment: { ONLY: 'this' },
		onLost: () => {
			lost += 1;
		},
		logger,
	});
	processes.push(process);
	return process;
}

async function startProcess(workerData: TestThreadOptions = {}, threads = 1): Promise<Tested> {
	const process = createProcess(workerData, threads);
	await process.start();
	return process;
}

/** Resolves when a message has been logged so often. */
async function logged(message: RegExp, times: number): Promise<void> {
	const count = () => messages.filter((text) => message.test(text)).length;
	await new Promise<void>((resolve) => {
		const look = () => {
			if (count() < times) return;
			loggers.delete(look);
			resolve();
		};
		loggers.add(look);
		look();
	});
}

function pidOf({ pid }: Tested): number {
	if (pid === undefined) throw new Error('no child');
	return pid;
}

const echo = (value: string): TestTask => ({ kind: 'echo', value });
const sleep = (ms: number): TestTask => ({ kind: 'sleep', ms });
const neighbours: TestTask = { kind: 'neighbours', ms: 50 };

describe('InferenceProcess', () => {
	test('runs tasks in another process, which sees the environment that it was given and no other', async () => {
		const tested = await startProcess();
		expect(pidOf(tested)).not.toBe(process.pid);
		expect(tested.rssBytes).toBeGreaterThan(1e6);
		const environment = JSON.parse(await tested.run({ kind: 'environment' }));
		expect(Object.keys(environment).filter((name) => name !== 'NODE_CHANNEL_FD')).toEqual(['ONLY']);
	});

	test('start fails with the message of a missing model', async () => {
		await expect(createProcess({ missingModel: true }, 2).start()).rejects.toThrow(
			'The weights of ultraface are missing',
		);
	});

	test('an AppError keeps its code, detail and cause on the way', async () => {
		const tested = await startProcess();
		const error = await tested.run({ kind: 'refuse' }).catch((reason: unknown) => reason);
		expect(error).toBeInstanceOf(AppError);
		expect(error).toMatchObject({
			code: 'corrupt_media',
			detail: 'not a JPEG',
			cause: expect.objectContaining({ message: 'bad marker' }),
		});
	});

	test('a thread that dies costs its task, not the process', async () => {
		const tested = await startProcess();
		await expect(tested.run({ kind: 'exit' })).rejects.toMatchObject({ code: 'worker_lost' });
		expect(await tested.run(echo('still here'))).toBe('still here');
		expect(lost).toBe(0);
		await logged(/an inference thread died with its tasks/, 1);
	});

	test('works on fewer tasks beside one that weighs more, and on one that weighs more than all', async () => {
		const tested = await startProcess({}, 2);
		const heavy = tested.run(sleep(60), { weight: 6 });
		const others = [1, 2].map(() => tested.run(sleep(60)));
		await expect.poll(() => [tested.runningTasks, tested.queueSize]).toEqual([7, 1]);
		const whole = tested.run(sleep(20), { weight: 100 });
		await Promise.all([heavy, ...others, whole]);
		expect(tested.runningTasks).toBe(0);
	});

	test('counts the tasks that wait, beyond two for its thread and one for a result that waits', async () => {
		const tested = await startProcess();
		const tasks = [1, 2, 3, 4, 5].map(() => tested.run(sleep(30)));
		await expect.poll(() => tested.runningTasks).toBe(3);
		expect(tested.queueSize).toBe(2);
		await Promise.all(tasks);
		expect(tested.runningTasks).toBe(0);
		expect(tested.queueSize).toBe(0);
	});

	test('an aborted task that waits leaves the queue', async () => {
		const tested = await startProcess();
		const busy = [1, 2, 3].map(() => tested.run(sleep(100)));
		const controller = new AbortController();
		const waiting = tested.run(echo('never'), { signal: controller.signal });
		controller.abort(new Error('given up'));
		await expect(waiting).rejects.toThrow('given up');
		expect(tested.queueSize).toBe(0);
		await Promise.all(busy);
	});

	test('an aborted task that runs rejects at once and keeps its place until it ends', async () => {
		const tested = await startProcess();
		const neighbour = tested.run(sleep(150));
		const aborted = tested.run(sleep(150), { signal: AbortSignal.timeout(20) });
		await expect(aborted).rejects.toMatchObject({ name: 'TimeoutError' });
		expect(tested.runningTasks).toBe(2);
		expect(await neighbour).toMatch(/^thread/);
	});

	test('close lets running and waiting tasks finish, takes no more, and ends the child', async () => {
		const tested = await startProcess();
		const pid = pidOf(tested);
		const tasks = [1, 2, 3].map(() => tested.run(sleep(40)));
		const closed = tested.close();
		await expect(tested.run(sleep(1))).rejects.toMatchObject({ code: 'shutting_down' });
		await closed;
		expect(await Promise.all(tasks)).toHaveLength(3);
		expect(() => process.kill(pid, 0)).toThrow(/ESRCH/);
		expect(lost).toBe(0);
	});
});

describe('a crash of native code', () => {
	test('is the task that did it alone: its neighbours run again, one at a time, and succeed', async () => {
		const tested = await startProcess({}, 2);
		const first = pidOf(tested);
		// With the guilty one, as many as run at once.
		const innocent = [neighbours, neighbours, neighbours].map((task) => tested.run(task));
		const guilty = tested.run({ kind: 'segfault' });
		const later = tested.run(echo('came meanwhile'));
		await expect(guilty).rejects.toMatchObject({ code: 'worker_lost', retryable: true });
		expect(await Promise.all(innocent)).toEqual(['1', '1', '1']);
		expect(await later).toBe('came meanwhile');
		expect(pidOf(tested)).not.toBe(first);
		expect(lost).toBe(2);
	});

	test('from outside costs no task', async () => {
		const tested = await startProcess();
		const tasks = [tested.run(sleep(200)), tested.run(sleep(200)), tested.run(sleep(1))];
		process.kill(pidOf(tested), 'SIGSEGV');
		expect(await Promise.all(tasks)).toHaveLength(3);
		expect(lost).toBe(1);
	});

	test('while nothing runs: the next task has a new process', async () => {
		const tested = await startProcess();
		process.kill(pidOf(tested), 'SIGKILL');
		await logged(/died/, 1);
		expect(tested.pid).toBeUndefined();
		expect(tested.rssBytes).toBe(0);
		expect(await tested.run(echo('here'))).toBe('here');
	});

	test('leaves a task that was given up meanwhile where it is', async () => {
		const tested = await startProcess();
		const controller = new AbortController();
		const aborted = tested.run({ kind: 'segfault' }, { signal: controller.signal });
		const other = tested.run(sleep(300));
		await logged(/died/, 1);
		controller.abort(new Error('given up'));
		await expect(aborted).rejects.toThrow('given up');
		expect(await other).toMatch(/^thread/);
	});

	test('is followed by starts until one succeeds; closing ends the wait', async () => {
		const directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
		try {
			const missingWhile = join(directory, 'missing');
			const tested = await startProcess({ missingWhile });
			await writeFile(missingWhile, '');
			process.kill(pidOf(tested), 'SIGKILL');
			const task = tested.run(echo('back'));
			await logged(/could not be started/, 2);
			await rm(missingWhile);
			expect(await task).toBe('back');

			await writeFile(missingWhile, '');
			process.kill(pidOf(tested), 'SIGKILL');
			const never = tested.run(echo('never'));
			await Promise.all([
				expect(never).rejects.toMatchObject({ code: 'shutting_down' }),
				logged(/could not be started/, 3).then(() => tested.close()),
			]);
		} finally {
			await rm(directory, { recursive: true, force: true });
		}
	});
});

describe('a task that never ends', () => {
	test('is given up after its time, alone; its neighbours run again, and the thread is back', async () => {
		const tested = createProcess({}, 1, { taskTimeoutMs: 1500 });
		await tested.start();
		const endless = tested.run({ kind: 'spin' });
		const neighbour = tested.run(echo('blocked meanwhile'));
		await expect(endless).rejects.toMatchObject({ code: 'processing_timeout' });
		expect(await neighbour).toBe('blocked meanwhile');
		expect(await tested.run(echo('later'))).toBe('later');
		expect(lost).toBe(2);
		await logged(/does not end/, 2);
	});

	test('is given up also where nobody waits for it any more', async () => {
		const tested = createProcess({}, 1, { taskTimeoutMs: 1500 });
		await tested.start();
		await expect(tested.run({ kind: 'spin' }, { signal: AbortSignal.timeout(50) })).rejects.toMatchObject({
			name: 'TimeoutError',
		});
		expect(await tested.run(echo('later'))).toBe('later');
	});
});

describe('the child', () => {
	test('is deaf to what stops its parent', async () => {
		const tested = await startProcess();
		const task = tested.run(sleep(100));
		for (const signal of ['SIGINT', 'SIGTERM'] as const) process.kill(pidOf(tested), signal);
		expect(await task).toMatch(/^thread/);
		expect(lost).toBe(0);
	});

	test('is what its launcher becomes, with the limits that this sets, and is replaced by its like', async () => {
		const directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
		try {
			const tested = createProcess({}, 1, { launcher: ['prlimit', '--core=0', '--fsize=0'] });
			await tested.start();
			const write = () => tested.run({ kind: 'write', to: join(directory, 'file'), text: 'x' });
			for (const restarts of [0, 1]) {
				expect(lost).toBe(restarts);
				const limits = await readFile(`/proc/${pidOf(tested)}/limits`, 'utf8');
				expect(limits).toMatch(/^Max core file size +0 +0 /m);
				await expect(write()).rejects.toThrow(/EFBIG/);
				expect(await tested.run(echo('unharmed'))).toBe('unharmed');
				process.kill(pidOf(tested), 'SIGKILL');
				await logged(/started/, restarts + 2);
			}
			const unlimited = await startProcess();
			const task: TestTask = { kind: 'write', to: join(directory, 'file'), text: 'x' };
			expect(await unlimited.run(task)).toBe('written');
		} finally {
			await rm(directory, { recursive: true, force: true });
		}
	});

	test('prints what it has to say by its parent, to the end, also when that is a program given as text', async () => {
		const printed = await run(process.execPath, ['--input-type=module', '-e', PRINTS_AND_DIES], {
			timeout: 30_000,
		});
		expect(printed).toEqual({ stdout: 'to output', stderr: 'said by native code' });
	});
});

/** Starts a child that prints before it is killed. */
const PRINTS_AND_DIES = `
import { InferenceProcess } from '${new URL('../dist/process.js', import.meta.url)}';
const logger = { debug() {}, info() {}, warn() {}, error() {} };
const entry = new URL('${ENTRY}');
const child = new InferenceProcess({ entry, threads: 1, workerData: {}, launcher: [], taskTimeoutMs: 60_000, environment: {}, logger });
await child.start();
await child.run({ kind: 'write', to: 1, text: 'to output' });
await child.run({ kind: 'write', to: 2, text: 'said by native code' });
const { pid } = child;
process.kill(pid, 'SIGKILL');
while (child.pid === pid) await new Promise((resolve) => setImmediate(resolve));
await child.close();
`;
