import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { runFfmpeg } from './clips.ts';

/**
 * What a full decode says of a video: the truth that sampling is held to.
 *
 * @param stream - number of the video stream in the file.
 * @returns times of all frames after the first, in milliseconds, in presentation order.
 */
export async function fullDecodeTimes(path: string, stream = 0): Promise<number[]> {
	const entries = 'stream=time_base:frame=key_frame,best_effort_timestamp';
	const args = ['-v', 'quiet', '-select_streams', String(stream), '-show_entries', entries, '-show_frames'];
	const child = spawn('ffprobe', [...args, '-print_format', 'compact', path], {
		stdio: ['ignore', 'pipe', 'ignore'],
	});
	const timestamps: number[] = [];
	let unit = 0;
	createInterface({ input: child.stdout }).on('line', (line) => {
		const base = /^stream\|time_base=(\d+)\/(\d+)/.exec(line);
		if (base) unit = Number(base[1]) / Number(base[2]);
		const frame = /^frame\|.*best_effort_timestamp=(-?\d+|N\/A)/.exec(line);
		if (frame) timestamps.push(Number(frame[1]));
	});
	await once(child, 'close');
	return timestamps.map((timestamp) => (timestamp - (timestamps[0] ?? 0)) * unit * 1000);
}

/** Every frame of a video as ffmpeg alone decodes it, upright, as RGB of a given size. */
export async function fullDecodePixels(
	path: string,
	{ width, height }: { readonly width: number; readonly height: number },
	stream = 0,
): Promise<Buffer[]> {
	const filters = `scale=${width}:${height},format=rgb24`;
	const output = ['-vsync', 'passthrough', '-f', 'rawvideo', 'pipe:1'];
	const pixels = await runFfmpeg([
		'-v',
		'quiet',
		'-i',
		path,
		'-map',
		`0:${stream}`,
		'-vf',
		filters,
		...output,
	]);
	const bytes = width * height * 3;
	return Array.from({ length: pixels.length / bytes }, (_, i) => pixels.subarray(i * bytes, (i + 1) * bytes));
}

/** Mean absolute difference of two pictures, in levels of 255. */
export function difference(a: Uint8Array, b: Uint8Array): number {
	let sum = 0;
	for (let i = 0; i < a.length; i += 1) sum += Math.abs((a[i] ?? 0) - (b[i] ?? 0));
	return sum / a.length;
}
