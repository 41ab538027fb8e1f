import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scratch } from './scratch.ts';

let parent: string;

beforeAll(async () => {
	parent = await mkdtemp(join(tmpdir(), 'facet-scratch-'));
});

afterAll(async () => {
	await rm(parent, { recursive: true });
});

describe('Scratch', () => {
	it('gives a directory that is gone afterwards, also after an error', async () => {
		const scratch = await Scratch.open(parent);
		let seen = '';
		const failing = scratch.use(async (directory) => {
			seen = directory;
			await writeFile(join(directory, 'file'), 'x');
			throw new Error('on purpose');
		});
		await expect(failing).rejects.toThrow('on purpose');
		expect(existsSync(seen)).toBe(false);
		await scratch.close();
		expect(await readdir(parent)).toEqual([]);
	});

	it('gives each job a directory of its own, and removes whatever is in it', async () => {
		const scratch = await Scratch.open(parent);
		const seen = await Promise.all(
			['a', 'b'].map((name) =>
				scratch.use(async (directory) => {
					await mkdir(join(directory, 'deep', 'deeper'), { recursive: true });
					await writeFile(join(directory, 'deep', 'deeper', name), 'x');
					await writeFile(join(directory, name), 'x');
					return { directory, names: (await readdir(directory)).sort() };
				}),
			),
		);
		expect(seen.map(({ names }) => names)).toEqual([
			['a', 'deep'],
			['b', 'deep'],
		]);
		expect(seen.map(({ directory }) => existsSync(directory))).toEqual([false, false]);
		await scratch.close();
	});

	it('removes what dead workers left, and nothing else', async () => {
		const dead = join(parent, 'facet-worker-999999999-abc');
		const alive = join(parent, `facet-worker-${process.ppid}-abc`);
		const other = join(parent, 'something-else');
		await Promise.all([dead, alive, other].map((path) => mkdir(path)));
		const scratch = await Scratch.open(parent);
		expect([dead, alive, other].map((path) => existsSync(path))).toEqual([false, true, true]);
		await scratch.close();
	});
});
