import { beforeEach, describe, expect, test } from 'vitest';
import { ChildTasks } from './child-tasks.ts';

/** Ends a task that runs, by its name. */
let end: Map<string, () => void>;
/** Names of the tasks whose results were sent, by message. */
let sent: string[][];
let ids: string[];
let lone: string[];
let tasks: ChildTasks<string, string>;

beforeEach(() => {
	end = new Map();
	sent = [];
	ids = [];
	lone = [];
	// Works on four, and sends four results at once.
	tasks = new ChildTasks<string, string>({
		threads: 2,
		run: (name, isLone) => {
			if (isLone) lone.push(name);
			return new Promise((resolve) => end.set(name, () => resolve(name)));
		},
		send: (results) => sent.push(results.map(({ id }) => ids[id] ?? '?')),
	});
});

function start(names: string, wanted: { weight?: number; isUrgent?: boolean } = {}): void {
	for (const task of names) {
		void tasks.run({ id: ids.push(task) - 1, task, weight: 1, isUrgent: false, ...wanted });
	}
}

/** Lets a task end, and what follows from that happen. */
async function finish(name: string): Promise<void> {
	await new Promise(setImmediate);
	end.get(name)?.();
	end.delete(name);
	await new Promise(setImmediate);
}

describe('ChildTasks', () => {
	test('sends results together while there is a task for each thread', async () => {
		start('abcdefg');
		for (const name of 'abc') await finish(name);
		expect(sent).toEqual([]);
		await finish('d');
		expect(sent).toEqual([['a', 'b', 'c', 'd']]);
	});

	test('sends them at once when a thread would have nothing to do', async () => {
		start('abc');
		await finish('a');
		expect(sent).toEqual([]);
		await finish('b');
		expect(sent).toEqual([['a', 'b']]);
		await finish('c');
		expect(sent).toEqual([['a', 'b'], ['c']]);
	});

	test('sends one that somebody waits for at once, with those that are done', async () => {
		start('abcdef');
		start('U', { isUrgent: true });
		await finish('a');
		expect([...end.keys()]).toEqual(['b', 'c', 'd', 'U']);
		await finish('U');
		expect(sent).toEqual([['a', 'U']]);
	});

	test('says which tasks are so few that threads have nothing to do', async () => {
		start('a');
		await new Promise(setImmediate);
		start('bc');
		await finish('a');
		await finish('b');
		start('d');
		await finish('c');
		await finish('d');
		start('e');
		await new Promise(setImmediate);
		expect(lone).toEqual(['a', 'e']);
	});

	test('works on as many as the memory is for', async () => {
		start('abc', { weight: 2 });
		await new Promise(setImmediate);
		expect([...end.keys()]).toEqual(['a', 'b']);
		await finish('a');
		expect([...end.keys()]).toEqual(['b', 'c']);
	});

	test('a task that fails ends as any other', async () => {
		const failing = new ChildTasks<string, string>({
			threads: 1,
			run: () => Promise.reject(new Error('no face')),
			send: (results) => sent.push(results.map(({ outcome }) => String(outcome.ok))),
		});
		await failing.run({ id: 1, task: 'a', weight: 1, isUrgent: false });
		expect(sent).toEqual([['false']]);
	});
});
