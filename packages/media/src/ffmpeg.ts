import { AppError } from '@facet/contracts';
import ffmpeg from 'fluent-ffmpeg';

/**
 * The only file that knows fluent-ffmpeg. The library is archived upstream (see docs/adr); what Facet uses of it is the
 * building of an argument list and the life of a child process.
 */

export interface ConvertOptions {
	/** Demuxer to use, so that ffmpeg does not guess one from untrusted bytes. */
	readonly inputFormat: string;
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
