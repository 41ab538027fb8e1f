import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
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
	it('gives files that are gone afterwards, also after an error, whether they were written or not', async () => {
		const scratch = await Scratch.open(parent);
		let seen = '';
		const failing = scratch.use(async (files) => {
			seen = files.path('source');
			files.path('never-written');
			await writeFile(seen, 'x');
			throw new Error('on purpose');
		});
		await expect(failing).rejects.toThrow('on purpose');
		expect(existsSync(seen)).toBe(false);
		await scratch.close();
		expect(await readdir(parent)).toEqual([]);
	});

	it('gives each job files of its own, by name', async () => {
		const scratch = await Scratch.open(parent);
		const seen = await Promise.all(
			['a', 'b'].map((text) =>
				scratch.use(async (files) => {
					await writeFile(files.path('source'), text);
					await writeFile(files.path('source.png'), 'x');
					return { path: files.path('source'), text: await readFile(files.path('source'), 'utf8') };
				}),
			),
		);
		expect(seen.map(({ text }) => text)).toEqual(['a', 'b']);
		const [directory = ''] = seen.map(({ path }) => dirname(path));
		expect(await readdir(directory)).toEqual([]);
		expect((await stat(directory)).mode & 0o777).toBe(0o700);
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
