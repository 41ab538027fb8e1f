import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SAMPLE_PHOTOS } from './sample-photos.ts';

/** Test videos: two seconds of a camera that moves over a sample photo, in every shape that videos come in. */

/** Frames of a clip that is not said to be otherwise. */
const CLIP_FRAMES = 50;

interface Recipe {
	readonly file: string;
	/** Arguments of ffmpeg between the moving picture and the name of the file. */
	readonly args?: string;
	/** Another clip that this one is made from, instead of the moving picture. */
	readonly from?: ClipName;
	/** Changes the finished file's bytes. */
	readonly change?: (bytes: Buffer) => Buffer;
}

const H264 = '-c:v libx264 -preset veryfast -threads 1 -g 20 -bf 3 -pix_fmt yuv420p';
const H265 = '-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=20:pools=1';
const VP9 = '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 20 -b:v 600k';
const SILENCE = '-f lavfi -t 1 -i anullsrc=r=8000:cl=mono';

const RECIPES = {
	'mp4-h264': { file: 'mp4', args: H264 },
	'mkv-h265': { file: 'mkv', args: H265 },
	'webm-vp8': {
		file: 'webm',
		args: '-c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 -cpu-used 4 -g 20 -b:v 600k',
	},
	'webm-vp9': { file: 'webm', args: VP9 },
	'webm-vp9-alt-ref': {
		file: 'webm',
		args: '-c:v libvpx-vp9 -deadline good -cpu-used 8 -auto-alt-ref 1 -lag-in-frames 16 -g 20 -b:v 600k',
	},
	'mp4-av1': { file: 'mp4', args: '-c:v libaom-av1 -cpu-used 8 -usage realtime -g 20 -b:v 600k' },
	'avi-mpeg4': { file: 'avi', args: '-c:v mpeg4 -bf 2 -g 20 -q:v 3' },
	'ogv-theora': { file: 'ogv', args: '-c:v libtheora -q:v 7' },
	'ts-h264': { file: 'ts', args: `${H264} -f mpegts` },
	'm2ts-h264': { file: 'm2ts', args: `${H264} -f mpegts -mpegts_m2ts_mode 1` },
	'avi-mjpeg': { file: 'avi', args: '-c:v mjpeg -q:v 3 -pix_fmt yuvj420p' },
	'mpg-mpeg2': { file: 'mpg', args: '-c:v mpeg2video -bf 2 -g 12 -q:v 3 -f vob' },
	'flv-h264': { file: 'flv', args: H264 },
	'wmv-wmv2': { file: 'wmv', args: '-c:v wmv2 -q:v 3' },
	'mov-rotated-0': { file: 'mov', args: H264 },
	'mov-rotated-90': { file: 'mov', from: 'mov-rotated-0', change: rotate(0, 1, -1, 0) },
	'mov-rotated-180': { file: 'mov', from: 'mov-rotated-0', change: rotate(-1, 0, 0, -1) },
	'mov-rotated-270': { file: 'mov', from: 'mov-rotated-0', change: rotate(0, -1, 1, 0) },
	'mov-mirrored': { file: 'mov', from: 'mov-rotated-0', change: rotate(-1, 0, 0, 1) },
	'mkv-vfr': { file: 'mkv', args: `-vf select='lt(n,12)+not(mod(n,5))' -vsync vfr ${H264}` },
	'mp4-vfr': { file: 'mp4', args: `-vf select='lt(n,12)+not(mod(n,5))' -vsync vfr ${H264}` },
	'mkv-late-start': { file: 'mkv', args: `-output_ts_offset 5.4 ${H264}` },
	'ts-late-start': { file: 'ts', args: `-output_ts_offset 90000 ${H264} -f mpegts` },
	'mp4-edit-list': { file: 'mp4', from: 'mp4-h264', args: '-c copy' },
	'mp4-fragmented': { file: 'mp4', args: `${H264} -movflags frag_keyframe+empty_moov` },
	'mkv-no-duration': { file: 'mkv', args: `${H264} -f matroska -live 1` },
	'mkv-wrong-duration': { file: 'mkv', from: 'mkv-h265', change: claimDuration },
	'avi-claims-many': { file: 'avi', from: 'avi-mjpeg', change: claimFrames },
	'mp4-wide-pixels': { file: 'mp4', args: `-vf setsar=2 ${H264}` },
	'mp4-tall-pixels': { file: 'mp4', args: `-vf setsar=1/2 ${H264}` },
	'webm-odd-size': { file: 'webm', args: `-vf scale=317:179 ${VP9}` },
	'mkv-10-bit': { file: 'mkv', args: `${H265} -pix_fmt yuv420p10le` },
	'mkv-hdr': {
		file: 'mkv',
		args: `${H265} -pix_fmt yuv420p10le -color_primaries bt2020 -color_trc smpte2084 -colorspace bt2020nc`,
	},
	'mp4-interlaced': { file: 'mp4', args: `-vf interlace=lowpass=off ${H264} -flags +ildct+ilme` },
	'webm-alpha': {
		file: 'webm',
		args: `-vf format=rgba,${halfClear()} ${VP9} -pix_fmt yuva420p -auto-alt-ref 0`,
	},
	'mov-alpha': { file: 'mov', args: `-vf format=argb,${halfClear()} -c:v qtrle` },
	'mp4-one-frame': { file: 'mp4', args: `-frames:v 1 ${H264}` },
	'mp4-one-key-frame': { file: 'mp4', args: `${H264} -g 1000 -sc_threshold 0` },
	'mkv-open-gop': { file: 'mkv', args: `${H264} -x264-params open-gop=1:scenecut=0` },
	'mkv-intra-refresh': { file: 'mkv', args: `${H264} -bf 0 -intra-refresh 1` },
	'mkv-100-streams': { file: 'mkv', from: 'mp4-h264', args: `-c copy${' -map 0:v'.repeat(100)}` },
	'ts-cut-in': { file: 'ts', from: 'ts-h264', change: (bytes) => bytes.subarray(188 * 200) },
	'mp4-truncated': { file: 'mp4', from: 'mp4-moov-first', change: firstHalf },
	'mp4-moov-first': { file: 'mp4', args: `${H264} -movflags +faststart` },
	'mp4-moov-lost': { file: 'mp4', from: 'mp4-h264', change: firstHalf },
	'mkv-truncated': { file: 'mkv', from: 'mkv-h265', change: firstHalf },
	'ts-truncated': { file: 'ts', from: 'ts-h264', change: firstHalf },
	'avi-truncated': { file: 'avi', from: 'avi-mpeg4', change: firstHalf },
	'mp4-garbage': { file: 'mp4', from: 'mp4-moov-first', change: withGarbage },
	'mkv-garbage': { file: 'mkv', from: 'mkv-h265', change: withGarbage },
	'ts-garbage': { file: 'ts', from: 'ts-h264', change: withGarbage },
	'mp4-all-garbage': {
		file: 'mp4',
		from: 'mp4-moov-first',
		change: (bytes) => bytes.fill(0, bytes.indexOf('mdat') + 4),
	},
	'mp3-cover': {
		file: 'mp3',
		args: `${SILENCE} -map 0 -map 1 -frames:v 1 -c:v mjpeg -disposition:v attached_pic`,
	},
	'm4a-cover': {
		file: 'm4a',
		args: `${SILENCE} -map 0 -map 1 -frames:v 1 -c:v mjpeg -c:a aac -disposition:v attached_pic`,
	},
	'flac-audio': { file: 'flac', args: `${SILENCE} -map 1` },
	'ogg-audio': { file: 'ogg', args: `${SILENCE} -map 1 -c:a libvorbis` },
	'wav-audio': { file: 'wav', args: `${SILENCE} -map 1` },
} as const satisfies Record<string, Omit<Recipe, 'from'> & { from?: string }>;

export type ClipName = keyof typeof RECIPES;

/** Builds clips in a folder, each once. */
export class Clips {
	readonly #directory: string;
	readonly #made = new Map<ClipName | 'source', Promise<string>>();

	constructor(directory: string) {
		this.#directory = directory;
	}

	/** The path of a clip, made when it is first asked for. */
	get(name: ClipName): Promise<string> {
		return this.#once(name, () => this.#make(name, RECIPES[name]));
	}

	async #make(name: ClipName, { file, args, from, change }: Recipe): Promise<string> {
		const path = join(this.#directory, `${name}.${file}`);
		const source = from === undefined ? await this.#source() : await this.get(from);
		const unchanged = args === undefined && from !== undefined;
		// An edit list comes of copying from a time between two key frames.
		const input = name === 'mp4-edit-list' ? ['-ss', '0.5', '-i', source] : ['-i', source];
		if (!unchanged) await runFfmpeg([...input, ...(args ?? '').split(' '), path]);
		if (change) await writeFile(path, change(await readFile(unchanged ? source : path)));
		return path;
	}

	/** The moving picture, without loss: 320 x 180, 25 frames a second. */
	#source(): Promise<string> {
		return this.#once('source', async () => {
			const path = join(this.#directory, 'source.mkv');
			await mkdir(this.#directory, { recursive: true });
			const move = "scale=800:-2,crop=320:180:x='80+n*6':y='60+n*2'";
			const [photo] = SAMPLE_PHOTOS;
			const still = ['-loop', '1', '-r', '25', '-i', photo?.path ?? ''];
			const encode = '-c:v ffv1 -pix_fmt yuv420p -f matroska'.split(' ');
			await runFfmpeg([...still, '-frames:v', String(CLIP_FRAMES), '-vf', move, ...encode, `${path}.part`]);
			await rename(`${path}.part`, path);
			return path;
		});
	}

	#once(name: ClipName | 'source', make: () => Promise<string>): Promise<string> {
		const made = this.#made.get(name) ?? make();
		this.#made.set(name, made);
		return made;
	}
}

/**
 * Runs ffmpeg to its end.
 *
 * @throws Error with what ffmpeg said.
 */
export async function runFfmpeg(args: readonly string[]): Promise<Buffer> {
	const child = spawn('ffmpeg', ['-hide_banner', '-v', 'error', '-nostdin', '-y', ...args], {
		stdio: ['ignore', 'pipe', 'pipe'],
	});
	const output: Buffer[] = [];
	let complaints = '';
	child.stdout.on('data', (chunk: Buffer) => output.push(chunk));
	child.stderr.on('data', (chunk: Buffer) => {
		complaints += chunk.toString();
	});
	const [code] = await once(child, 'close');
	if (code !== 0) throw new Error(`ffmpeg ${args.join(' ')}: ${complaints}`);
	return Buffer.concat(output);
}

function halfClear(): string {
	return "geq=r='r(X,Y)':g='g(X,Y)':b='b(X,Y)':a='if(lt(X,W/2),0,255)'";
}

/** Writes a display matrix into the track header (ISO 14496-12, 8.3.2): x' = a x + c y, y' = b x + d y. */
function rotate(a: number, b: number, c: number, d: number) {
	return (bytes: Buffer): Buffer => {
		const matrix = bytes.indexOf('tkhd') + 44;
		for (const [position, value] of [a, b, 0, c, d].entries()) {
			bytes.writeInt32BE(value * 65536, matrix + position * 4);
		}
		return bytes;
	};
}

/** Ten hours, in the `Duration` of a Matroska file (element 0x4489, eight bytes). */
function claimDuration(bytes: Buffer): Buffer {
	bytes.writeDoubleBE(36_000_000, bytes.indexOf('448988', 'hex') + 3);
	return bytes;
}

/** A thousand million frames, in both headers of an AVI. */
function claimFrames(bytes: Buffer): Buffer {
	bytes.writeUInt32LE(1e9, bytes.indexOf('avih') + 24);
	bytes.writeUInt32LE(1e9, bytes.indexOf('strh') + 40);
	return bytes;
}

function firstHalf(bytes: Buffer): Buffer {
	return bytes.subarray(0, bytes.length / 2);
}

function withGarbage(bytes: Buffer): Buffer {
	return noise(bytes, 0.5, 0.56);
}

/** The same noise each time, between two points of a file. */
function noise(bytes: Buffer, from: number, to: number): Buffer {
	let state = 1;
	for (let i = Math.floor(bytes.length * from); i < Math.floor(bytes.length * to); i += 1) {
		state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
		bytes[i] = state >> 16;
	}
	return bytes;
}
