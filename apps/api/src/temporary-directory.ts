import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'facet-api-';
const OWNER = new RegExp(`^${PREFIX}(\\d+)-`);

/**
 * Makes a directory for the files that this process receives, readable by its owner only, and removes those that killed
 * processes have left behind.
 */
export async function openTemporaryDirectory(parent: string = tmpdir()): Promise<string> {
	await mkdir(parent, { recursive: true });
	const abandoned = (await readdir(parent)).filter((name) => {
		const owner = OWNER.exec(name)?.[1];
		return owner !== undefined && !isRunning(Number(owner));
	});
	await Promise.all(abandoned.map((name) => rm(join(parent, name), { recursive: true, force: true })));
	return mkdtemp(join(parent, `${PREFIX}${process.pid}-`));
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
