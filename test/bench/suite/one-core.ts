import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Runs an action while processes, with all their threads, are kept to one core.
 *
 * @returns what it returns; undefined where that cannot be had, for want of util-linux's `taskset`.
 */
export async function onOneCore<T>(
	pids: readonly number[],
	cores: number,
	action: () => Promise<T>,
): Promise<T | undefined> {
	const keepTo = (list: string) =>
		Promise.all(pids.map((pid) => run('taskset', ['-a', '-c', '-p', list, String(pid)])));
	try {
		await keepTo('0');
	} catch {
		return undefined;
	}
	try {
		return await action();
	} finally {
		await keepTo(`0-${cores - 1}`);
	}
}
