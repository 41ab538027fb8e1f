import { mkdir, mkdtemp, readdir, rm, rmdir, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'facet-worker-';
const OWNER = new RegExp(`^${PREFIX}(\\d+)-`);

/** The temporary files of one worker process: a directory of its own, with one in it for each job. */
export class Scratch {
	readonly #root: string;
	#used = 0;

	private constructor(root: string) {
		this.#root = root;
	}

	/** Makes the worker's directory, and removes those that killed workers have left behind. */
	static async open(parent: string = tmpdir()): Promise<Scratch> {
		await mkdir(parent, { recursive: true });
		const abandoned = (await readdir(parent)).filter((name) => {
			const owner = OWNER.exec(name)?.[1];
			return owner !== undefined && !isRunning(Number(owner));
		});
		await Promise.all(abandoned.map((name) => rm(join(parent, name), { recursive: true, force: true })));
		return new Scratch(await mkdtemp(join(parent, `${PREFIX}${process.pid}-`)));
	}

	/** Runs `action` with a directory that is gone afterwards, whatever happens. */
	async use<T>(action: (directory: string) => Promise<T>): Promise<T> {
		this.#used += 1;
		const directory = join(this.#root, `job-${this.#used}`);
		await mkdir(directory, { mode: 0o700 });
		try {
			return await action(directory);
		} finally {
			await remove(directory);
		}
	}

	async close(): Promise<void> {
		await rm(this.#root, { recursive: true, force: true });
	}
}

/** A job mostly leaves one file, for which `rm` would look around three times as long as to take it away. */
async function remove(directory: string): Promise<void> {
	try {
		for (const name of await readdir(directory)) await unlink(join(directory, name));
		await rmdir(directory);
	} catch {
		await rm(directory, { recursive: true, force: true });
	}
}

/** A directory with this very process's number is an earlier process's: in a container, each of them is number 1. */
function isRunning(pid: number): boolean {
	if (pid === process.pid) return false;
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		// EPERM: it runs, as another user.
		return error instanceof Error && 'code' in error && error.code === 'EPERM';
	}
}
