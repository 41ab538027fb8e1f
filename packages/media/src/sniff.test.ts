import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sniffMedia } from './sniff.ts';

let directory: string;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-sniff-'));
});

afterAll(async () => {
	await rm(directory, { recursive: true });
});

async function sniff(bytes: Uint8Array | string) {
	const path = join(directory, 'file.mp4');
	await writeFile(path, bytes);
	return sniffMedia(path);
}

const pixel = sharp({ create: { width: 4, height: 4, channels: 3, background: 'red' } });
const box = (brands: string) =>
	Buffer.concat([
		Buffer.from([0, 0, 0, 8 + brands.length]),
		Buffer.from(`ftyp${brands}`, 'latin1'),
		Buffer.alloc(32),
	]);

describe('sniffMedia', () => {
	it.each([
		['jpeg', () => pixel.clone().jpeg().toBuffer()],
		['png', () => pixel.clone().png().toBuffer()],
		['webp', () => pixel.clone().webp().toBuffer()],
		['avif', () => pixel.clone().avif().toBuffer()],
		['gif', () => pixel.clone().gif().toBuffer()],
		['tiff', () => pixel.clone().tiff().toBuffer()],
		['avif', async () => box('mif1\0\0\0\0mif1miafavif')],
	])('knows %s by its bytes', async (format, make) => {
		expect(await sniff(await make())).toEqual({ kind: 'image', format });
	});

	it.each([
		['HEIC', box('heic\0\0\0\0mif1heic')],
		['HEIC', box('mif1\0\0\0\0mif1heic')],
		['SVG', '\ufeff<?xml version="1.0"?>\n<!-- a drawing -->\n<svg xmlns="http://www.w3.org/2000/svg"/>'],
		['SVG', '<svg viewBox="0 0 1 1"></svg>'],
		['PDF', '%PDF-1.4\n1 0 obj <</Title(<svg)>>'],
		['HTML', '\n<!DOCTYPE html><html><body>404'],
		['a video', box('isom\0\0\x02\0isomiso2mp41')],
		['application/zip', 'PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'],
		['no known format', 'just text'],
	])('says of other files what they are: %s', async (name, bytes) => {
		await expect(sniff(bytes)).rejects.toThrow(
			new RegExp(`^unsupported_format: expected a JPEG.*received .*${name}`),
		);
	});

	it('calls an empty file corrupt', async () => {
		await expect(sniff('')).rejects.toThrow(/corrupt_media: the file is empty/);
	});
});
