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

/** A transport stream of nothing, cut into at some byte. */
function packets(size: number, start: number): Buffer {
	const stream = Buffer.alloc(size * 20 + start, 0xff);
	for (let i = start; i < stream.length; i += size) stream[i] = 0x47;
	return stream;
}

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
		['a playlist', '#EXTM3U\n#EXT-X-VERSION:3\nhttp://127.0.0.1/secret.ts\n'],
		['no known format', 'ffconcat version 1.0\nfile /etc/passwd\n'],
		['no known format', ';FFMETADATA1\ntitle=x\n'],
		['xml', '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"/>'],
		['no known format', `G${'x'.repeat(187)}G${'x'.repeat(400)}`],
		['application/zip', 'PK\x03\x04\x14\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0'],
		['no known format', 'just text'],
	])('says of other files what they are: %s', async (name, bytes) => {
		await expect(sniff(bytes)).rejects.toThrow(
			new RegExp(`^unsupported_format: expected a JPEG.*received .*${name}`),
		);
	});

	it.each([
		['mp4', 'mov', box('isom\0\0\x02\0isomiso2mp41')],
		['mp4', 'mov', box('zzzz\0\0\x02\0zzzz')],
		['mov', 'mov', box('qt  \0\0\x02\0qt  ')],
		['3gp', 'mov', box('3gp4\0\0\x02\0isom3gp4')],
		['mpegts', 'mpegts', packets(188, 0)],
		['mpegts', 'mpegts', packets(188, 100)],
		['mpegts', 'mpegts', packets(192, 4)],
		['matroska', 'matroska', Buffer.from('1a45dfa3ff', 'hex')],
		['avi', 'avi', Buffer.from('RIFF\xff\xff\xff\xffAVI LIST', 'latin1')],
		['flv', 'flv', Buffer.from('FLV\x01\x05\0\0\0\x09', 'latin1')],
		['asf', 'asf', Buffer.from('3026b2758e66cf11a6d900aa0062ce6c', 'hex')],
		['ogg', 'ogg', Buffer.from('OggS\0\x02', 'latin1')],
	])('knows videos: %s, read by the demuxer %s', async (format, demuxer, bytes) => {
		expect(await sniff(bytes)).toEqual({ kind: 'video', format, demuxer });
	});

	it.each([
		['audio/flac', Buffer.concat([Buffer.from('fLaC'), Buffer.alloc(64)])],
		['audio/wav', Buffer.concat([Buffer.from('RIFF\x40\0\0\0WAVEfmt ', 'latin1'), Buffer.alloc(64)])],
		['audio/mpeg', Buffer.concat([Buffer.from([0xff, 0xfb, 0x90, 0x64]), Buffer.alloc(413)])],
	])('says that there is nothing to see in %s', async (mime, bytes) => {
		await expect(sniff(bytes)).rejects.toThrow(new RegExp(`^no_video_stream: .* received ${mime}`));
	});

	it('calls an empty file corrupt', async () => {
		await expect(sniff('')).rejects.toThrow(/corrupt_media: the file is empty/);
	});
});
