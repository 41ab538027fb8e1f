import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deflateSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { Clips } from '../support/clips.ts';
import { startHttpServer, type TestServer } from '../support/http-server.ts';
import { forgetPeak, peakMemory } from '../support/process-memory.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { WebhookService } from '../support/webhook-service.ts';
import { pidsOf } from '../support/worker-processes.ts';
import { Canary } from './canary.ts';
import * as pictures from './traps/pictures.ts';
import { DISGUISES, TEXT_TRAPS } from './traps/texts.ts';
import * as videos from './traps/videos.ts';

const MEGABYTE = 1024 * 1024;
/** Least memory that a process of ffmpeg may have, so that tables which want more fail here. */
const FFMPEG_MEMORY = 512 * MEGABYTE;

/** The first bytes decide, and there is nothing behind them. */
const DISGUISED = /^(unsupported_format|corrupt_media|no_video_stream|too_many_pixels)$/;

/** What is sent, and what comes of it: codes of errors, or `none`. */
interface Trap {
	readonly send: Buffer | RequestListener;
	readonly codes: RegExp;
}

let service: WebhookService;
let workerPids: readonly number[];
let canary: Canary;
let server: TestServer;
let directory: string;
let clips: Clips;
/** A pipe that keeps waiting whoever opens it to read. */
let fifo: string;
const sent = new Map<string, Trap['send']>();

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
	fifo = join(directory, 'secret');
	await promisify(execFile)('mkfifo', [fifo]);
	clips = new Clips(join(directory, 'clips'));
	canary = await Canary.start(1);
	server = await startHttpServer((request, response) => {
		const send = sent.get(request.url ?? '');
		if (typeof send === 'function') send(request, response);
		else response.end(send);
	});
	service = await WebhookService.start(
		{
			JOB_ATTEMPTS: '1',
			WORKER_CONCURRENCY: '2',
			MAX_SOURCE_BYTES: String(20 * MEGABYTE),
			DOWNLOAD_IDLE_TIMEOUT_MS: '3000',
			DOWNLOAD_TIMEOUT_MS: '8000',
			DECODE_TIMEOUT_MS: '40000',
			VIDEO_TIMEOUT_MS: '20000',
			FFMPEG_MEMORY_BYTES: String(FFMPEG_MEMORY),
		},
		0,
	);
	const worker = await service.facet.startWorker();
	workerPids = pidsOf(worker);
	// A worker's memory is what it is only after its first photo.
	await service.facet.detect({ img: (await samplePhoto(1)).toString('base64') });
});

afterAll(async () => {
	await service?.stop();
	await server?.close();
	canary?.close();
	await rm(directory, { recursive: true, force: true });
});

/** Has the service look at all of them, and gives each one's code and how much more memory the worker took meanwhile. */
async function spring(traps: Readonly<Record<string, Trap>>) {
	const names = Object.keys(traps);
	const items = names.map((name, index) => {
		const path = `/${sent.size}-${index}/video.mp4`;
		const trap = traps[name];
		if (trap) sent.set(path, trap.send);
		return { url: server.url + path };
	});
	await forgetPeak(workerPids);
	const before = await peakMemory(workerPids);
	const batches = new BatchClient(service.facet.url);
	const { id } = await batches.submit({ items });
	await batches.ended(id, 100_000);
	const extraMegabytes = Math.round(((await peakMemory(workerPids)) - before) / MEGABYTE);
	const results = await batches.results(id);
	expect(JSON.stringify(results)).not.toMatch(/root:|daemon:/);
	const codes = Object.fromEntries(
		names.map((name, index) => [name, results[index]?.job?.error?.code ?? 'none']),
	);
	return { codes, extraMegabytes };
}

const codesOf = (traps: Readonly<Record<string, Trap>>) =>
	Object.fromEntries(Object.entries(traps).map(([name, { codes }]) => [name, expect.stringMatching(codes)]));

const buffers = (bytes: Readonly<Record<string, readonly [Buffer, RegExp]>>): Record<string, Trap> =>
	Object.fromEntries(Object.entries(bytes).map(([name, [send, codes]]) => [name, { send, codes }]));

describe('texts that lead to other files', () => {
	it('are not followed, whatever their first bytes say', async ({ task }) => {
		const targets = [`http://127.0.0.1:${canary.port(0)}/a.ts`, fifo, `file://${fifo}`];
		const traps: Record<string, Trap> = {};
		for (const [index, target] of targets.entries()) {
			for (const [name, text] of Object.entries(TEXT_TRAPS)) {
				const send = Buffer.from(text.replaceAll('TARGET', target));
				traps[`${name} to ${target}`] = { send, codes: /^unsupported_format$/ };
			}
			// One text for each, in turn.
			for (const [place, [name, bytes]] of Object.entries(DISGUISES).entries()) {
				const text = Object.values(TEXT_TRAPS)[(place + index) % 4] ?? '';
				const send = Buffer.concat([bytes, Buffer.from(text.replaceAll('TARGET', target))]);
				traps[`${name} to ${target}`] = {
					send,
					codes: DISGUISED,
				};
			}
		}
		const { codes, extraMegabytes } = await spring(traps);
		expect(codes).toEqual(codesOf(traps));
		expect(canary.connections).toBe(0);
		expect(await service.facet.processesOnTemporaryFiles()).toEqual([]);
		reportCounts(task, {
			files: Object.keys(traps).length,
			connections: canary.connections,
			'MB more': extraMegabytes,
		});
	}, 120_000);

	it('nor are videos whose media are said to be in another file', async ({ task }) => {
		const mp4 = await readFile(await clips.get('mp4-h264'));
		const targets = [fifo, `file://${fifo}`, `http://127.0.0.1:${canary.port(0)}/a.mp4`];
		const traps = buffers(
			Object.fromEntries(
				(['url ', 'alis'] as const).flatMap((kind) =>
					targets.map((target) => [`${kind} ${target}`, [videos.elsewhere(mp4, kind, target), /./] as const]),
				),
			),
		);
		const { codes } = await spring(traps);
		// Read from the file that came, or not at all.
		for (const code of Object.values(codes)) expect(code).toMatch(/^(none|corrupt_media)$/);
		expect(canary.connections).toBe(0);
		expect(await service.facet.processesOnTemporaryFiles()).toEqual([]);
		reportCounts(task, { files: Object.keys(traps).length, connections: canary.connections });
	}, 120_000);
});

describe('pictures', () => {
	it('that claim or hold too much end as errors, in little memory', async ({ task }) => {
		const photo = await samplePhoto(1);
		const traps = buffers({
			'PNG of 65,535 pixels square': [pictures.hugePng(65_535, 65_535), /^too_many_pixels$/],
			'PNG of 2^31 pixels a side': [
				pictures.hugePng(2 ** 31 - 1, 2 ** 31 - 1),
				/^(too_many_pixels|corrupt_media)$/,
			],
			'PNG of a million columns': [pictures.hugePng(1_000_000, 99), /^corrupt_media$/],
			'PNG without its pixels': [pictures.hugePng(9999, 9999), /^corrupt_media$/],
			'PNG whose profile and texts inflate': [pictures.inflatingPng(), /^(none|corrupt_media)$/],
			'PNG whose pixels inflate beyond its size': [pictures.overfullPng(), /^(none|corrupt_media)$/],
			'PNG of 100,000 chunks': [pictures.pngOfChunks(100_000), /^(none|corrupt_media)$/],
			'GIF of 65,535 pixels square': [pictures.hugeGif(), /^too_many_pixels$/],
			'GIF of 10,000 frames': [pictures.longGif(10_000), /^none$/],
			'JPEG that claims 65,500 pixels square': [
				await pictures.lyingJpeg(65_500, 65_500),
				/^too_many_pixels$/,
			],
			// Grey where there is nothing: its end is where an end should be.
			'JPEG that claims 9,000 pixels square': [
				await pictures.lyingJpeg(9000, 9000),
				/^(none|corrupt_media)$/,
			],
			'JPEG of 3,000 scans': [
				await pictures.manyScansJpeg(2000, 3000),
				/^(corrupt_media|processing_timeout)$/,
			],
			'TIFF with a loop of directories': [pictures.loopingTiff(), /^(none|corrupt_media)$/],
			'TIFF of 65,535 pixels square': [pictures.hugeTiff(), /^too_many_pixels$/],
			'AVIF of 65,535 pixels square': [await pictures.hugeAvif(), /^(too_many_pixels|corrupt_media)$/],
			'JPEG with a ZIP behind it': [
				Buffer.concat([photo, Buffer.from('504b0506', 'hex'), Buffer.alloc(18)]),
				/^none$/,
			],
			'JPEG with a script behind it': [
				Buffer.concat([photo, Buffer.from('<script>fetch(1)</script>')]),
				/^none$/,
			],
			'gzip of a photo': [gzipSync(photo), /^unsupported_format$/],
			'zlib of a photo': [deflateSync(photo), /^unsupported_format$/],
			nothing: [Buffer.alloc(0), /^corrupt_media$/],
			'one byte': [Buffer.alloc(1), /^unsupported_format$/],
		});
		const { codes, extraMegabytes } = await spring(traps);
		expect(codes).toEqual(codesOf(traps));
		expect(extraMegabytes).toBeLessThan(400);
		reportCounts(task, { pictures: Object.keys(traps).length, 'MB more': extraMegabytes });
	}, 120_000);

	it('that are as large as allowed take no more than they have pixels', async ({ task }) => {
		const side = 5000;
		const traps = buffers({ 'whole PNG': [pictures.wholePng(side), /^none$/] });
		const { codes, extraMegabytes } = await spring(traps);
		expect(codes).toEqual(codesOf(traps));
		// Eight bytes a pixel in the decoder, twice while it is turned into what the network takes.
		expect(extraMegabytes * MEGABYTE).toBeLessThan(side * side * 8 * 2.5);
		reportCounts(task, { pixels: side * side, 'MB more': extraMegabytes });
	}, 120_000);
});

describe('videos', () => {
	it('that claim too much end as errors, in little memory', async ({ task }) => {
		const mp4 = await readFile(await clips.get('mp4-h264'));
		const avi = await readFile(await clips.get('avi-mjpeg'));
		const mkv = await readFile(await clips.get('mkv-no-duration'));
		const traps = buffers({
			'AVI of 100,000 pixels a side': [videos.hugeAvi(avi, 100_000), /^(too_many_pixels|none)$/],
			'AVI of 10^9 frames': [videos.longAvi(avi), /^none$/],
			'MP4 of 10^8 frames': [
				videos.endlessTables(mp4, 1e8),
				/^(corrupt_media|processing_timeout|video_too_long)$/,
			],
			'MP4 of 10^9 frames': [
				videos.endlessTables(mp4, 1e9),
				/^(corrupt_media|processing_timeout|video_too_long)$/,
			],
			'Matroska of 10,000 attachments': [videos.withAttachments(mkv, 10_000), /^(none|corrupt_media)$/],
		});
		const { codes, extraMegabytes } = await spring(traps);
		expect(codes).toEqual(codesOf(traps));
		expect(extraMegabytes).toBeLessThan(250);
		expect(await service.facet.processesOnTemporaryFiles()).toEqual([]);
		reportCounts(task, { videos: Object.keys(traps).length, 'MB more': extraMegabytes });
	}, 120_000);
});

describe('downloads', () => {
	it('that are empty, endless, slow or packed end within their limits, in little memory', async ({
		task,
	}) => {
		const zeros = Buffer.alloc(MEGABYTE);
		const bomb = gzipSync(Buffer.alloc(256 * MEGABYTE), { level: 9 });
		const pour: RequestListener = (_request, response) => {
			const write = () => {
				while (!response.destroyed && response.write(zeros));
			};
			response.on('drain', write);
			write();
		};
		const drip: RequestListener = (_request, response) => {
			const timer = setInterval(() => response.write('x'), 1000);
			response.write('x');
			response.on('close', () => clearInterval(timer));
		};
		const packed =
			(body: Buffer, encodings: string): RequestListener =>
			(_request, response) =>
				response.writeHead(200, { 'content-encoding': encodings }).end(body);
		const headers: RequestListener = (_request, response) => {
			response.writeHead(200, { 'x-padding': 'a'.repeat(60_000) }).end('x');
		};
		const traps: Record<string, Trap> = {
			endless: { send: pour, codes: /^too_large$/ },
			'a byte a second': { send: drip, codes: /^download_timeout$/ },
			'says nothing': { send: () => {}, codes: /^download_timeout$/ },
			'gzip bomb': { send: packed(bomb, 'gzip'), codes: /^too_large$/ },
			'gzip bomb in gzip': { send: packed(gzipSync(bomb), 'gzip, gzip'), codes: /^too_large$/ },
			'deflate bomb': {
				send: packed(deflateSync(Buffer.alloc(128 * MEGABYTE)), 'deflate'),
				codes: /^too_large$/,
			},
			'a thousand encodings': {
				send: packed(bomb, Array(1000).fill('gzip').join(',')),
				codes: /^download_failed$/,
			},
			'long headers': { send: headers, codes: /^download_failed$/ },
		};
		const { codes, extraMegabytes } = await spring(traps);
		expect(codes).toEqual(codesOf(traps));
		expect(extraMegabytes).toBeLessThan(150);
		reportCounts(task, { downloads: Object.keys(traps).length, 'MB more': extraMegabytes });
	}, 120_000);
});

it('nothing is left of all that', async () => {
	const left = await service.facet.temporaryFiles();
	expect(left.filter((name) => name.includes('job-'))).toEqual([]);
	expect(await service.facet.processesOnTemporaryFiles()).toEqual([]);
	expect((await service.facet.detect({ img: (await samplePhoto(1)).toString('base64') })).status).toBe(200);
});
