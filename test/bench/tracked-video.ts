import { execFile, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { RgbImage, Size } from '@facet/contracts';
import type { FaceAnalyzer, ObservedFrame } from '@facet/vision';
import type { TrueFace } from './tracking-scoring.ts';

/** One frame of a `.gt.json`: `[x, y, width, height]` and a person's number a face. */
interface TrueFrame {
	readonly boxes: readonly (readonly number[])[];
	readonly ids: readonly number[];
	/** The part of each face that can be seen, 0..1. */
	readonly visibility?: readonly number[];
}

/**
 * Reads the ground truth of a video, an entry a frame.
 *
 * @param leastVisible - faces of which less than this can be seen are ignored.
 */
export async function readVideoTruth(path: string, leastVisible: number): Promise<TrueFace[][]> {
	const frames: unknown = JSON.parse(await readFile(path, 'utf8'));
	if (!Array.isArray(frames)) throw new Error(`Expected a list of frames in ${path}`);
	return frames.map((frame: unknown, index) => {
		if (!isTrueFrame(frame)) throw new Error(`Expected {boxes, ids, visibility?} at [${index}] of ${path}`);
		return frame.boxes.map(([x = 0, y = 0, width = 0, height = 0], face) => ({
			id: frame.ids[face] ?? 0,
			box: { x, y, width, height },
			ignored: (frame.visibility?.[face] ?? 1) < leastVisible,
		}));
	});
}

/** Indexes of the frames that a job with `numFrames` analyses, of `total`. */
export function sampledFrames(total: number, numFrames: number): number[] {
	if (total <= numFrames) return Array.from({ length: total }, (_, index) => index);
	return Array.from({ length: numFrames }, (_, k) => Math.floor((k * total) / numFrames));
}

interface ObservedVideo {
	/** By index; in pixels of the scaled frames. */
	readonly frames: ReadonlyMap<number, ObservedFrame>;
	/** Pixels of a scaled frame a pixel of the video. */
	readonly zoom: number;
}

/** Decodes the wanted frames of a video, at the size that the detector takes, and looks for faces in them. */
export async function observeVideo(
	path: string,
	wanted: ReadonlySet<number>,
	analyzer: FaceAnalyzer,
): Promise<ObservedVideo> {
	const video = await probe(path);
	const zoom = Math.min(1, analyzer.inputSide / Math.max(video.width, video.height));
	const size = { width: Math.round(video.width * zoom), height: Math.round(video.height * zoom) };
	const frames = new Map<number, ObservedFrame>();
	let index = 0;
	for await (const image of decode(path, size)) {
		if (wanted.has(index)) {
			frames.set(index, {
				index,
				timestampMs: (index / video.fps) * 1000,
				...size,
				observations: await analyzer.analyze(image),
			});
		}
		index++;
	}
	return { frames, zoom };
}

/** Every frame of a video of a constant frame rate, scaled. */
async function* decode(path: string, { width, height }: Size): AsyncGenerator<RgbImage> {
	const scale = `scale=${width}:${height}:flags=area`;
	const ffmpeg = spawn(
		'ffmpeg',
		['-v', 'error', '-i', path, '-vf', scale, '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'],
		{ stdio: ['ignore', 'pipe', 'inherit'] },
	);
	const bytes = width * height * 3;
	let buffered: Buffer[] = [];
	let length = 0;
	for await (const chunk of ffmpeg.stdout) {
		if (!(chunk instanceof Buffer)) throw new TypeError('Expected bytes');
		buffered.push(chunk);
		length += chunk.length;
		if (length < bytes) continue;
		const joined = Buffer.concat(buffered);
		let at = 0;
		for (; at + bytes <= length; at += bytes) {
			yield { data: new Uint8Array(joined.subarray(at, at + bytes)), width, height };
		}
		buffered = [joined.subarray(at)];
		length -= at;
	}
}

async function probe(path: string): Promise<Size & { fps: number }> {
	const { stdout } = await promisify(execFile)('ffprobe', [
		...['-v', 'error', '-select_streams', 'v:0'],
		...['-show_entries', 'stream=width,height,r_frame_rate', '-of', 'csv=p=0', path],
	]);
	const [width = '', height = '', rate = ''] = stdout.trim().split(',');
	const [frames, seconds] = rate.split('/').map(Number);
	return { width: Number(width), height: Number(height), fps: (frames ?? 25) / (seconds ?? 1) };
}

function isTrueFrame(value: unknown): value is TrueFrame {
	if (typeof value !== 'object' || value === null || !('boxes' in value) || !('ids' in value)) return false;
	return Array.isArray(value.boxes) && value.boxes.every(isNumbers) && isNumbers(value.ids);
}

function isNumbers(value: unknown): boolean {
	return Array.isArray(value) && value.every((item) => typeof item === 'number');
}
