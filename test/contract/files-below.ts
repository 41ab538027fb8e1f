import { readdir } from 'node:fs/promises';
import { join } from 'node:path';

/** The files of a directory, however deep, by their sorted paths in it. */
export async function filesBelow(directory: string): Promise<string[]> {
	const entries = await readdir(directory, { recursive: true, withFileTypes: true });
	return entries
		.filter((entry) => entry.isFile())
		.map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1))
		.sort();
}
