import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { promisify } from 'node:util';
import { confineProcesses, openVideo } from '@facet/media';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, inject, it, vi } from 'vitest';
import { Clips, runFfmpeg } from '../support/clips.ts';
import { Facet } from '../support/facet.ts';
import { openClip, VIDEO_LIMITS } from '../support/read-video.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { inferencePidOf } from '../support/worker-processes.ts';

const MEMORY_BYTES = 1024 ** 3;
const SECRET = 'secret-of-the-service';

let directory: string;
let clips: Clips;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
	clips = new Clips(directory);
	vi.stubEnv('AWS_SECRET_ACCESS_KEY', SECRET);
	expect(confineProcesses({ memoryBytes: MEMORY_BYTES, cpuSeconds: 1234 })).toBe(true);
});

afterAll(async () => {
	vi.unstubAllEnvs();
	await rm(directory, { recursive: true, force: true });
});

/** Waits until a program works on a path, and gives what the kernel knows of it (Linux). */
async function processOn(program: string, path: string) {
	const find = async () => {
		for (const pid of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
			const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
			const file = await readlink(`/proc/${pid}/exe`).catch(() => '');
			if (line.includes(path) && basename(file) === program) return pid;
		}
		return undefined;
	};
	let pid: string | undefined;
	const look = async () => {
		pid = await find();
		return pid;
	};
	await expect.poll(look, { timeout: 20_000, interval: 20 }).toBeDefined();
	const environment = await readFile(`/proc/${pid}/environ`, 'utf8');
	return {
		variables: environment.split('\0').map((variable) => variable.split('=')[0]),
		environment,
		...(await limitsOf(Number(pid))),
	};
}

/** Soft and hard limits of a process (Linux). */
async function limitsOf(pid: number) {
	const limits = await readFile(`/proc/${pid}/limits`, 'utf8');
	const limitOf = (name: string) => new RegExp(`^${name}\\s+(\\S+)\\s+(\\S+)`, 'm').exec(limits)?.slice(1);
	return {
		memory: limitOf('Max address space'),
		cpu: limitOf('Max cpu time'),
		fileSize: limitOf('Max file size'),
		files: limitOf('Max open files'),
		processes: limitOf('Max processes'),
		core: limitOf('Max core file size'),
	};
}

const CONFINED = {
	variables: ['PATH', 'LANG', ''],
	environment: expect.not.stringContaining(SECRET),
	memory: [String(MEMORY_BYTES), String(MEMORY_BYTES)],
	cpu: ['1234', '1234'],
	fileSize: ['0', '0'],
	files: ['64', '64'],
	processes: ['4096', '4096'],
	core: ['0', '0'],
};

describe('programs that read what strangers send have limits, and nothing of our environment:', () => {
	it('ffprobe', async () => {
		const path = join(directory, 'waits.mkv');
		// Whoever opens it to read waits for a writer.
		await promisify(execFile)('mkfifo', [path]);
		const stop = new AbortController();
		const type = { kind: 'video', format: 'matroska', demuxer: 'matroska' } as const;
		const opening = openVideo(path, type, VIDEO_LIMITS, { signal: stop.signal });
		opening.catch(() => {});
		expect(await processOn('ffprobe', path)).toEqual(CONFINED);
		stop.abort(new Error('seen'));
		await expect(opening).rejects.toThrow('seen');
	});

	it('ffmpeg', async () => {
		// Frames of 3 MB: more than the pipes between hold, so that it waits while nobody takes them.
		const path = join(directory, 'large.mkv');
		const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=1280x720:rate=25:duration=4'];
		await runFfmpeg([...picture, '-c:v', 'mpeg4', '-g', '100', path]);
		const video = await openClip(path);
		for await (const frame of video.frames(video.sample(100), {})) {
			expect(frame.image.width).toBe(1280);
			expect(await processOn('ffmpeg', path)).toEqual(CONFINED);
			break;
		}
	});
});

it('a process that wants more memory than it may have fails, and nothing else does', async () => {
	const path = await clips.get('mkv-h265');
	confineProcesses({ memoryBytes: 30_000_000, cpuSeconds: 100 });
	await expect(openClip(path)).rejects.toThrow(/corrupt_media/);
	confineProcesses({ memoryBytes: MEMORY_BYTES, cpuSeconds: 1234 });
	expect((await openClip(path)).facts.width).toBe(320);
});

describe('the process that decodes pictures', { timeout: 60_000 }, () => {
	it('leaves no core and writes no file, which no picture needs', async () => {
		const facet = await Facet.start(inject('redisUrl'), { INFERENCE_THREADS: '2' }, 0);
		try {
			const worker = await facet.startWorker();
			expect(await limitsOf(inferencePidOf(worker))).toMatchObject({
				core: ['0', '0'],
				fileSize: ['0', '0'],
				files: ['320', '320'],
			});
			// Whole, as crops need it, libvips would decode this into a temporary file, by its size and format.
			const large = sharp(await samplePhoto(1)).resize(6400, 6000, { kernel: 'nearest', fit: 'cover' });
			const img = (await large.webp({ effort: 0 }).toBuffer()).toString('base64');
			const answer = await facet.detect({ img, return_face_url: true });
			expect(answer.status).toBe(200);
			expect(answer.body.faces_obj['0']?.face_urls).toContainEqual(expect.stringMatching(/^http/));
		} finally {
			await facet.stop();
		}
	});
});
