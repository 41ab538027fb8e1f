import { statSync, unlinkSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'facet-worker-';
const OWNER = new RegExp(`^${PREFIX}(\\d+)-`);

/** The temporary files of one job. */
export interface JobFiles {
	/** Where a file of this name may be written, which is gone with the job. */
	path(name: string): string;
}

/**
 * The temporary files of one worker process, in a directory of its own. Jobs have none of their own in it: to make it, to look
 * into it and to remove it takes longer than all that is done with a photo's one file.
 */
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

	/** Runs `action` with files that are gone afterwards, whatever happens. */
	async use<T>(action: (files: JobFiles) => Promise<T>): Promise<T> {
		this.#used += 1;
		const job = this.#used;
		const paths = new Set<string>();
		const path = (name: string) => {
			const given = join(this.#root, `${job}-${name}`);
			paths.add(given);
			return given;
		};
		try {
			return await action({ path });
		} finally {
			for (const given of paths) await removeIfThere(given);
		}
	}

	async close(): Promise<void> {
		await rm(this.#root, { recursive: true, force: true });
	}
}

/** In bytes: such a file is removed in less time than a trip to another thread takes, a video's may take a hundred times that. */
const SMALL_FILE = 4_194_304;

async function removeIfThere(path: string): Promise<void> {
	const stats = statSync(path, { throwIfNoEntry: false });
	if (stats === undefined) return;
	if (stats.size <= SMALL_FILE) unlinkSync(path);
	else await unlink(path);
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
