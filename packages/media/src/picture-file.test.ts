import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withPicture } from './picture-file.ts';

let directory: string;
beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-picture-file-'));
});
afterAll(() => rm(directory, { recursive: true }));

async function file(name: string, bytes: Buffer): Promise<string> {
	const path = join(directory, name);
	await writeFile(path, bytes);
	return path;
}

describe('withPicture', () => {
	it('hands over all bytes of a file, and of a large one its path and its beginning', async () => {
		const small = Buffer.alloc(1_048_576, 7);
		const path = await file('small', small);
		await withPicture(path, async ({ input, head }) => {
			expect(small.equals(head)).toBe(true);
			expect(input).toBe(head);
		});
		const large = Buffer.alloc(1_048_577, 9);
		const largePath = await file('large', large);
		await withPicture(largePath, async ({ input, head }) => {
			expect(input).toBe(largePath);
			expect(large.subarray(0, 1_048_576).equals(head)).toBe(true);
		});
	});

	it('hands bytes over as they are', async () => {
		const bytes = Buffer.from('a picture');
		await withPicture(bytes, async (picture) => expect(picture).toEqual({ input: bytes, head: bytes }));
	});

	it('keeps pictures apart that are used at the same time, and uses memory again, also after a failure', async () => {
		const [one, other] = [await file('one', Buffer.from('one')), await file('other', Buffer.from('other'))];
		const memories = new Set<ArrayBufferLike>();
		const read = (path: string, meanwhile: () => Promise<void>) =>
			withPicture(path, async ({ head }) => {
				memories.add(head.buffer);
				await meanwhile();
				return head.toString();
			});
		let inner = '';
		const outer = await read(one, async () => {
			inner = await read(other, async () => {});
		});
		expect([outer, inner]).toEqual(['one', 'other']);
		expect(memories.size).toBe(2);
		await expect(read(one, () => Promise.reject(new Error('no picture')))).rejects.toThrow('no picture');
		await expect(withPicture(join(directory, 'gone'), async () => {})).rejects.toThrow('ENOENT');
		expect(await read(other, async () => {})).toBe('other');
		expect(memories.size).toBe(2);
	});
});
