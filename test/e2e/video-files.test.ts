import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { connectConsumer } from '@facet/queue';
import { QueueEvents } from 'bullmq';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { Facet } from '../support/facet.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { framesOf, VideoService } from '../support/video-service.ts';

// A hundred frames through the network are work for a minute on a busy machine.
vi.setConfig({ testTimeout: 180_000 });

const execute = promisify(execFile);

let videos: VideoService;
let facet: Facet;
/** Three people, who move evenly through the picture for four seconds. */
let clip: string;

beforeAll(async () => {
	videos = await VideoService.start(inject('redisUrl'));
	({ facet, clip } = videos);
});

afterAll(async () => {
	await videos?.stop();
});

describe('files that are not what they should be', () => {
	async function expectRefused(name: string, source: string | Buffer, code: string, detail?: RegExp) {
		const { status, body } = await facet.detect({ url: await videos.serve(name, source) });
		expect(body).toMatchObject({
			error_code: 1,
			error_msg: 'Failed to process media',
			faces_obj: {},
			error: { code, retryable: false },
		});
		expect(status).toBe(500);
		if (detail) expect(body.error.detail).toMatch(detail);
	}

	it('an empty file, a text, a file without its index', async () => {
		await expectRefused('empty.mp4', Buffer.alloc(0), 'corrupt_media');
		await expectRefused('text.mp4', Buffer.from('just a text '.repeat(100)), 'unsupported_format');
		await expectRefused('headless.mp4', (await readFile(clip)).subarray(0, 20_000), 'corrupt_media');
	});

	it('sound, with and without a picture on its cover', async () => {
		const sound = ['-f', 'lavfi', '-i', 'sine=duration=1'];
		const plain = join(videos.folder, 'sound.m4a');
		await execute('ffmpeg', ['-v', 'error', '-y', ...sound, '-c:a', 'aac', plain]);
		await expectRefused('sound.mp4', plain, 'no_video_stream');
		const photo = join(videos.folder, 'cover.jpg');
		await writeFile(
			photo,
			await sharp(await samplePhoto(1))
				.resize(300)
				.jpeg()
				.toBuffer(),
		);
		const covered = join(videos.folder, 'covered.m4a');
		await execute('ffmpeg', [
			...['-v', 'error', '-y', ...sound, '-i', photo, '-map', '0', '-map', '1'],
			...['-c:a', 'aac', '-c:v', 'mjpeg', '-disposition:v:0', 'attached_pic', covered],
		]);
		await expectRefused('covered.mp4', covered, 'no_video_stream');
	});

	it('playlists, which lead elsewhere', async () => {
		await expectRefused(
			'list.mp4',
			Buffer.from('#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n'),
			'unsupported_format',
		);
		await expectRefused(
			'concat.mp4',
			Buffer.from("ffconcat version 1.0\nfile '/etc/passwd'\n"),
			'unsupported_format',
		);
	});

	it('too long a video', async () => {
		const long = join(videos.folder, 'long.mp4');
		await execute('ffmpeg', [
			...['-v', 'error', '-y', '-f', 'lavfi', '-i', 'color=s=64x64:r=1:d=90', '-c:v', 'libx264', long],
		]);
		await expectRefused('long.mp4', long, 'video_too_long', /at most 60 s/);
	});

	it('a truncated video: what could be decoded is answered, and the report says so', async () => {
		const whole = await videos.convert('whole.mkv', ['-c:v', 'libx264', '-g', '10']);
		const bytes = await readFile(whole);
		const answer = await facet.detect({
			url: await videos.serve('half.mkv', bytes.subarray(0, bytes.length / 2)),
			num_frames: 10,
		});
		expect(answer.status).toBe(200);
		const report = await videos.storedReport(answer);
		expect(report.frames).toBeLessThan(100);
		expect(report.warnings.length).toBeGreaterThan(0);
		expect(framesOf(answer)).toHaveLength(report.framesObtained);
		expect(framesOf(answer)[0]?.region).toHaveLength(3);
	});
});

it('a worker killed in the middle of a video leaves no process and no file; another one finishes', async () => {
	// Longer than usual: half of the video is done twice, whatever the detector and the machine.
	const own = await Facet.start(inject('redisUrl'), { INFERENCE_THREADS: '1', SYNC_TIMEOUT_MS: '55000' }, 0);
	const redis = connectConsumer(inject('redisUrl'), { debug() {}, info() {}, warn() {}, error() {} });
	const events = new QueueEvents('detect', { connection: redis, prefix: own.prefix });
	try {
		await events.waitUntilReady();
		const doomed = await own.startWorker();
		const underWay = new Promise<{ framesDone: number; framesWanted: number }>((resolve) => {
			events.on('progress', ({ data }) => {
				if (isProgress(data) && data.framesDone >= 3) resolve(data);
			});
		});
		const answer = own.detect({
			url: await videos.serve('three.mp4', clip),
			num_frames: 60,
			return_face_url: true,
		});
		expect((await underWay).framesWanted).toBe(60);
		await doomed.end('SIGKILL');
		await expect.poll(() => own.processesOnTemporaryFiles(), { timeout: 5000 }).toEqual([]);
		await own.startWorker();
		expect(framesOf(await answer)).toHaveLength(60);
		const left = (await own.temporaryFiles()).filter((name) => name.includes('job-'));
		expect(left).toEqual([]);
	} finally {
		await events.close();
		redis.disconnect();
		await own.stop();
	}
});

function isProgress(data: unknown): data is { framesDone: number; framesWanted: number } {
	return typeof data === 'object' && data !== null && 'framesDone' in data && 'framesWanted' in data;
}
