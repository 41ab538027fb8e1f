import type { Dir } from 'node:fs';
import { lstat, opendir, rmdir, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { hasErrorCode } from './file-errors.ts';

/**
 * Deletes the files below a directory that were last written before a time, and the folders that are empty then. Names
 * that start with a dot are not objects and stay. Any number of processes may sweep, write and delete meanwhile: what
 * vanishes is skipped. A file that is replaced between the look at its age and its deletion goes with the old one;
 * that is an object at the end of its life, which its job would have to run again for.
 *
 * @param before - milliseconds since the epoch.
 * @returns the number of files deleted.
 */
export async function sweepDirectory(directory: string, before: number): Promise<number> {
	let entries: Dir;
	try {
		entries = await opendir(directory);
	} catch (error) {
		if (hasErrorCode(error, 'ENOENT', 'ENOTDIR')) return 0;
		throw error;
	}
	let deleted = 0;
	for await (const entry of entries) {
		if (entry.name.startsWith('.')) continue;
		const path = join(directory, entry.name);
		if (entry.isDirectory()) {
			deleted += await sweepDirectory(path, before);
			await ignoring(rmdir(path), 'ENOENT', 'ENOTEMPTY', 'EEXIST');
		} else if (await isOldFile(path, before)) {
			if (await ignoring(unlink(path), 'ENOENT')) deleted += 1;
		}
	}
	return deleted;
}

async function isOldFile(path: string, before: number): Promise<boolean> {
	try {
		const stats = await lstat(path);
		return stats.isFile() && stats.mtimeMs < before;
	} catch (error) {
		if (hasErrorCode(error, 'ENOENT')) return false;
		throw error;
	}
}

/** @returns whether the operation succeeded; false when it failed with one of the codes. */
async function ignoring(operation: Promise<void>, ...codes: string[]): Promise<boolean> {
	try {
		await operation;
		return true;
	} catch (error) {
		if (hasErrorCode(error, ...codes)) return false;
		throw error;
	}
}
