import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listPackets } from '../frame-lists.ts';
import { probeVideo } from '../probe-video.ts';
import { ProcessLimit } from '../process-limit.ts';
import { listSamples } from './list-samples.ts';
import { readMovie } from './read-movie.ts';

/** What ffprobe says of a file is the truth that the tables are held to. */

const execute = promisify(execFile);
const PICTURE = '-f lavfi -i testsrc2=s=160x90:d=3:r=25';
const SOUND = '-f lavfi -i sine=d=3';
const H264 = '-c:v libx264 -preset veryfast -threads 1 -g 20 -bf 3 -pix_fmt yuv420p';
const H265 = '-c:v libx265 -preset ultrafast -x265-params log-level=none:pools=1:keyint=20';
const TYPE = { kind: 'video', format: 'mp4', demuxer: 'mov' } as const;
const LIMITS = { maxPixels: 1e6, maxSeconds: 100, timeoutMs: 20_000 };
const { signal } = new AbortController();

let folder: string;

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), 'facet-movie-'));
	await make('sound.mp4', `${PICTURE} ${SOUND} ${H264} -c:a aac`);
});

afterAll(async () => {
	await rm(folder, { recursive: true });
});

async function make(name: string, args: string): Promise<string> {
	await execute('ffmpeg', ['-v', 'error', '-y', ...args.split(' '), join(folder, name)]);
	return join(folder, name);
}

/** The packets by the tables, where those are read, and by ffprobe. */
async function listTwice(path: string) {
	const source = { path, type: TYPE, limits: LIMITS, processes: new ProcessLimit(2) };
	const header = await probeVideo(source);
	const movie = await readMovie(path, signal);
	return {
		movie,
		header,
		read: movie && listSamples(source, header, movie.samples),
		listed: await listPackets(source, header, undefined),
	};
}

describe('readMovie', () => {
	it.each([
		['frames that are shown in another order', `${PICTURE} ${H264}`, 'mp4'],
		['sound between the frames', `${PICTURE} ${SOUND} ${H264} -c:a aac`, 'mp4'],
		['QuickTime', `${PICTURE} ${SOUND} ${H264} -c:a aac`, 'mov'],
		['tables before the frames', `${PICTURE} ${H264} -movflags faststart`, 'mp4'],
		['no edit list', `${PICTURE} ${H264} -use_editlist 0`, 'mp4'],
		['negative delays', `${PICTURE} ${H264} -movflags negative_cts_offsets`, 'mp4'],
		['a rate that varies', `${PICTURE} -vf select='not(mod(n,3))+lt(n,9)' -vsync vfr ${H264}`, 'mp4'],
		['a rate of 30000/1001', `${PICTURE} -r 30000/1001 ${H264}`, 'mp4'],
		['another unit', `${PICTURE} ${H264} -video_track_timescale 90000`, 'mp4'],
		['key frames only', `${PICTURE} ${H264} -g 1`, 'mp4'],
		['four slices a frame', `${PICTURE} ${H264} -x264-params slices=4`, 'mp4'],
		['one frame', `${PICTURE} ${H264} -frames:v 1`, 'mp4'],
		['parameter sets between the frames', `${PICTURE} ${H264} -bsf:v dump_extra`, 'mp4'],
		['H.265', `${PICTURE} ${H265}`, 'mp4'],
		['H.265, closed groups', `${PICTURE} ${H265}:open-gop=0 -tag:v hvc1`, 'mov'],
	])('%s: the packets that ffprobe lists', async (name, args, extension) => {
		const { movie, header, read, listed } = await listTwice(
			await make(`${name.replaceAll(/\W/g, '-')}.${extension}`, args),
		);
		expect(listed.count).toBeGreaterThan(0);
		expect(read).toEqual(listed);
		expect(movie).toMatchObject({ trackId: header.streamId, codec: header.codec });
		expect({ numerator: 1, denominator: movie?.unitsPerSecond }).toEqual(header.timeBase);
	});

	it.each([
		['an edit list that hides frames', '-ss 1.3 -i sound.mp4 -c copy'],
		['an edit list that waits', '-itsoffset 2 -i sound.mp4 -i sound.mp4 -map 0:v -map 1:a -c copy'],
		['fragments', '-i sound.mp4 -c copy -movflags frag_keyframe+empty_moov'],
		['two video tracks', '-i sound.mp4 -i sound.mp4 -map 0:v -map 1:v -c copy'],
		['no video track', '-i sound.mp4 -map 0:a -c copy'],
		['another codec', `${PICTURE} -c:v mpeg4`],
		['key frames that the table does not know', `${PICTURE} ${H264} -x264-params open-gop=1:scenecut=0`],
	])('%s: is left to ffprobe', async (name, args) => {
		const inputs = args.replaceAll('sound.mp4', join(folder, 'sound.mp4'));
		expect(await readMovie(await make(`${name.replaceAll(' ', '-')}.mp4`, inputs), signal)).toBeUndefined();
	});

	it('leaves files that are cut off anywhere to ffprobe', async () => {
		const bytes = await readFile(await make('whole.mp4', `${PICTURE} ${H264} -movflags faststart`));
		const path = join(folder, 'cut.mp4');
		for (let length = bytes.length - 1; length > 0; length -= Math.ceil(length / 12)) {
			await writeFile(path, bytes.subarray(0, length));
			expect(await readMovie(path, signal)).toBeUndefined();
		}
	});

	it('stands any byte of the tables being another one', async () => {
		const bytes = await readFile(await make('whole.mp4', `${PICTURE} ${H264} -movflags faststart`));
		const tables = bytes.indexOf('moov');
		const path = join(folder, 'changed.mp4');
		for (let at = tables; at < bytes.indexOf('mdat'); at += 5) {
			for (const value of [0xff, (bytes[at] ?? 0) ^ 1]) {
				const changed = Buffer.from(bytes);
				changed[at] = value;
				await writeFile(path, changed);
				const { samples } = (await readMovie(path, signal)) ?? {};
				if (samples === undefined) continue;
				for (const [sample, size] of samples.sizes.entries()) {
					expect((samples.offsets[sample] ?? 0) + size).toBeLessThanOrEqual(bytes.length);
				}
			}
		}
	});

	it('reads no table that claims more than there is', async () => {
		const bytes = await readFile(await make('whole.mp4', `${PICTURE} ${H264} -movflags faststart`));
		const path = join(folder, 'claims.mp4');
		for (const [table, offset] of Object.entries({ stsz: 12, stts: 8, ctts: 8, stss: 8, stsc: 8, stco: 8 })) {
			const changed = Buffer.from(bytes);
			changed.writeUInt32BE(0xffff_fff0, changed.indexOf(table) + offset);
			await writeFile(path, changed);
			expect(await readMovie(path, signal)).toBeUndefined();
		}
	});

	it('stops when it is told to', async () => {
		const path = join(folder, 'sound.mp4');
		await expect(readMovie(path, AbortSignal.abort(new Error('gone')))).rejects.toThrow('gone');
	});
});
