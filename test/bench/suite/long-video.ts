import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, rename, rm, stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { openVideo, sniffMedia, type Video } from '@facet/media';
import { SAMPLE_PHOTOS } from '../../support/sample-photos.ts';

const LIMITS = { maxPixels: 100_000_000, maxSeconds: 36_000, timeoutMs: 3_600_000 };
const FRAMES_A_SECOND = 30;
/** No divisor of the whole, so that the frames wanted do not all stand next to a key frame. */
const MOST_ENCODED = 951;

/**
 * A camera that wanders over a sample photo, 720p, 30 frames a second, a key frame every 250 frames or less as x264 does
 * it: half a minute, repeated without encoding it again. Made once in a folder.
 *
 * @returns its path.
 */
export async function longVideo(directory: string, minutes: number): Promise<string> {
	const file = join(directory, `long-${minutes}-minutes.mp4`);
	if (await stat(file).catch(() => undefined)) return file;
	await mkdir(directory, { recursive: true });
	const frames = Math.round(minutes * 60 * FRAMES_A_SECOND);
	const encoded = Math.min(MOST_ENCODED, frames);
	const [photo] = SAMPLE_PHOTOS;
	const still = ['-i', photo?.path ?? ''];
	const move = [
		`scale=1920:-2,loop=loop=${encoded - 1}:size=1:start=0,setpts=N/${FRAMES_A_SECOND}/TB`,
		"crop=1280:720:x='(iw-ow)*(0.5+0.5*sin(n/90))':y='(ih-oh)*(0.5+0.5*cos(n/130))'",
		'noise=alls=6:allf=t',
	].join(',');
	const encode = `-r ${FRAMES_A_SECOND} -c:v libx264 -preset veryfast -crf 25 -pix_fmt yuv420p -f mp4`;
	await ffmpeg([...still, '-vf', move, ...encode.split(' ')], [`${file}.once`]);
	const repeat = ['-stream_loop', String(Math.round(frames / encoded) - 1), '-i', `${file}.once`];
	await ffmpeg([...repeat, '-c', 'copy', '-f', 'mp4'], [`${file}.part`]);
	await rm(`${file}.once`);
	await rename(`${file}.part`, file);
	return file;
}

/** The file's header and index, as a worker reads them. */
export async function open(path: string): Promise<Video> {
	const type = await sniffMedia(path);
	if (type.kind !== 'video') throw new Error(`Expected a video, received ${type.format}`);
	return openVideo(path, type, LIMITS);
}

/**
 * ffmpeg alone taking frames of an opened video, by the cheaper of its two ways: one decode from the start, or a seek a
 * frame, side by side. The frames' numbers and times are given to it: it need not find out how many there are.
 *
 * @param maxSide - longest side of the frames.
 */
export async function ffmpegAlone(
	path: string,
	video: Video,
	{ numFrames, maxSide }: { readonly numFrames: number; readonly maxSide: number },
): Promise<void> {
	const frames = video.sample(numFrames);
	const { seekMs, linearMs } = video.plan(frames);
	const scale = `scale=${maxSide}:${maxSide}:force_original_aspect_ratio=decrease:flags=lanczos`;
	if (linearMs < seekMs) {
		const wanted = frames.map(({ index }) => `eq(n,${index})`);
		const output = ['-vf', `select='${wanted.join('+')}',${scale}`, '-vsync', 'passthrough'];
		await ffmpeg(['-threads', '1', '-i', path, ...output, '-frames:v', String(numFrames)]);
		return;
	}
	const waiting = [...frames];
	const work = async () => {
		for (let frame = waiting.shift(); frame; frame = waiting.shift()) {
			const seek = ['-ss', (frame.timestampMs / 1000).toFixed(6)];
			await ffmpeg(['-threads', '1', ...seek, '-i', path, '-vf', scale, '-frames:v', '1']);
		}
	};
	await Promise.all(Array.from({ length: availableParallelism() }, work));
}

async function ffmpeg(
	args: readonly string[],
	output = ['-an', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'],
): Promise<void> {
	const child = spawn('ffmpeg', ['-hide_banner', '-v', 'error', '-nostdin', '-y', ...args, ...output], {
		stdio: ['ignore', 'pipe', 'inherit'],
	});
	child.stdout.resume();
	const [code] = await once(child, 'close');
	if (code !== 0) throw new Error(`ffmpeg ended with ${code}`);
}
