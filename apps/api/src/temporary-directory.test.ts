import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openTemporaryDirectory } from './temporary-directory.ts';

it('is its owner’s alone, and takes the place of those that dead processes left', async () => {
	const parent = await mkdtemp(join(tmpdir(), 'facet-temporary-'));
	const dead = join(parent, 'facet-api-999999999-abc');
	const earlier = join(parent, `facet-api-${process.pid}-abc`);
	const alive = join(parent, `facet-api-${process.ppid}-abc`);
	const other = join(parent, 'facet-worker-999999999-abc');
	await Promise.all([dead, earlier, alive, other].map((path) => mkdir(path)));
	const directory = await openTemporaryDirectory(parent);
	expect([dead, earlier, alive, other].map((path) => existsSync(path))).toEqual([false, false, true, true]);
	expect((await stat(directory)).mode & 0o777).toBe(0o700);
	await rm(parent, { recursive: true });
});

it('makes the directory for temporary files when it is missing', async () => {
	const parent = await mkdtemp(join(tmpdir(), 'facet-temporary-'));
	const directory = await openTemporaryDirectory(join(parent, 'tmp'));
	expect(existsSync(directory)).toBe(true);
	await rm(parent, { recursive: true });
});
