import { PassThrough, type Readable } from 'node:stream';
import { AppError } from '@facet/contracts';
import ffmpeg from 'fluent-ffmpeg';
import { CONFINING_PROGRAM, confinedArguments } from './confined-process.ts';

/**
 * The only file that knows fluent-ffmpeg. The library is archived upstream (see docs/adr); what Facet uses of it is the
 * building of an argument list and the life of a child process.
 */

ffmpeg.setFfmpegPath(CONFINING_PROGRAM);

export interface ConvertOptions {
	/** Demuxer to use, so that ffmpeg does not guess one from untrusted bytes. */
	readonly inputFormat: string;
	/** Most bytes of the PNG. */
	readonly maxBytes: number;
	readonly timeoutMs: number;
	readonly signal?: AbortSignal | undefined;
}

/**
 * Turns one picture that sharp cannot read into a PNG.
 *
 * @throws AppError `corrupt_media`, `processing_timeout`.
 */
export async function convertToPng(input: string, output: string, options: ConvertOptions): Promise<void> {
	await new Promise<void>((resolve, reject) => {
		const command = ffmpeg({ timeout: Math.ceil(options.timeoutMs / 1000) })
			.input(input)
			// What confines it comes first.
			.inputOptions(confinedArguments('ffmpeg', options.maxBytes))
			.inputFormat(options.inputFormat)
			.inputOptions(['-protocol_whitelist', 'file,pipe'])
			.outputOptions(['-frames:v', '1', '-compression_level', '1', '-nostdin'])
			.toFormat('image2')
			.videoCodec('png')
			.output(output);
		const abort = () => command.kill('SIGKILL');
		options.signal?.addEventListener('abort', abort, { once: true });
		command
			.on('end', () => resolve())
			.on('error', (cause: Error) => reject(toConversionError(cause)))
			.run();
	});
}

function toConversionError(cause: Error): AppError {
	return /timeout/i.test(cause.message)
		? new AppError('processing_timeout', { detail: 'decoding the picture took too long', cause })
		: new AppError('corrupt_media', { detail: 'the picture could not be decoded', cause });
}

export interface RawDecodeOptions {
	/** Before the input: demuxer, seek, decoder. */
	readonly inputOptions: readonly string[];
	/** Number of the video stream in the file. */
	readonly stream: number;
	/** What happens to the frames, one filter after another. */
	readonly filters: readonly string[];
	readonly outputOptions: readonly string[];
	/** Called for each line that ffmpeg writes to its standard error, its own and those of filters. */
	readonly onLine: (line: string) => void;
}

/** A run of ffmpeg that writes frames as raw pixels. */
export interface RawDecode {
	/** Frame after frame, without anything between. ffmpeg waits while nobody reads. */
	readonly pixels: Readable;
	/** Resolves when ffmpeg has ended, for whatever reason; never rejects. */
	readonly ended: Promise<{ readonly error: Error | undefined }>;
	/** Ends ffmpeg at once. */
	kill(): void;
}

/**
 * Starts decoding.
 *
 * ffmpeg ignores SIGPIPE and would, after this process was killed, decode on until it next has a frame to write, which
 * can be minutes. So, where it reads a file, it also copies the packets that it reads to a second output, one line each
 * on standard error: with nobody at the other end, the next packet ends it. Where it reads what this process writes, its
 * input ends.
 *
 * @param input - a path, or the bytes of a file that can be read from front to back.
 */
export function startRawDecode(input: string | Readable, options: RawDecodeOptions): RawDecode {
	const pixels = new PassThrough();
	const command = ffmpeg()
		.input(input)
		.inputOptions(confinedArguments('ffmpeg'))
		.inputOptions(['-hide_banner', '-v', 'error', '-nostdin', ...options.inputOptions])
		.output(pixels, { end: true })
		.outputOptions(['-map', `0:${options.stream}`, ...options.outputOptions])
		.videoFilters([...options.filters])
		.toFormat('rawvideo')
		// Else a frame waits for the next one: whole in a thread of the encoder, its last bytes in a buffer.
		.outputOptions(['-threads', '1', '-flush_packets', '1']);
	if (typeof input === 'string') {
		command
			.output('pipe:2')
			.outputOptions(['-map', `0:${options.stream}`, '-c', 'copy', '-bsf:v', 'setts=ts=N'])
			.outputOptions(['-flush_packets', '1', '-f', 'framecrc']);
	}
	let killed = false;
	const kill = () => {
		killed = true;
		// Before it has started there is nothing to kill; see 'start'.
		command.kill('SIGKILL');
	};
	// An ffmpeg that ends with an error has written frames all the same, and some may still be on their way.
	let isPiped = false;
	pixels.once('pipe', (stdout: Readable) => {
		isPiped = true;
		stdout.once('close', () => pixels.end());
	});
	const ended = new Promise<{ error: Error | undefined }>((resolve) => {
		command
			.on('start', () => {
				if (killed) command.kill('SIGKILL');
			})
			.on('stderr', options.onLine)
			.on('end', () => resolve({ error: undefined }))
			.on('error', (error: Error) => {
				// Where ffmpeg could not even be started nothing else ends the stream.
				if (!isPiped) pixels.end();
				resolve({ error });
			})
			.run();
	});
	return { pixels, ended, kill };
}
