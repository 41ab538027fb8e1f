import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

import { CONFINING_PROGRAM } from '../confined-process.ts';

/** What the ffmpeg at hand can do that not every build can. */
export interface FfmpegFeatures {
	/** Conversion of high dynamic range: zscale (libzimg) and tonemap. */
	readonly toneMapping: boolean;
	/** Decoders of libvpx, the only ones that give VP8's and VP9's alpha. */
	readonly vpxAlpha: boolean;
	/** The option that makes it write each frame once: renamed in 5.1, the old name is going to go. */
	readonly frameSync: readonly string[];
}

const run = promisify(execFile);
const TIMEOUT_MS = 20_000;

let features: Promise<FfmpegFeatures> | undefined;

/** Asks ffmpeg, once a process. */
export function ffmpegFeatures(): Promise<FfmpegFeatures> {
	features ??= readFeatures().catch((error: unknown) => {
		// A failure, as of a machine without memory, must not stay for ever.
		features = undefined;
		throw error;
	});
	return features;
}

async function readFeatures(): Promise<FfmpegFeatures> {
	const [filters, decoders, version] = await Promise.all(
		['-filters', '-decoders', '-version'].map(async (question) => {
			const { stdout } = await run(CONFINING_PROGRAM, ['-hide_banner', question], {
				timeout: TIMEOUT_MS,
				maxBuffer: 8_000_000,
			});
			return stdout;
		}),
	);
	return {
		toneMapping: /\szscale\s/.test(filters ?? '') && /\stonemap\s/.test(filters ?? ''),
		vpxAlpha: /\slibvpx-vp9\s/.test(decoders ?? '') && /\slibvpx\s/.test(decoders ?? ''),
		frameSync: hasFrameSyncMode(version ?? '') ? ['-fps_mode', 'passthrough'] : ['-vsync', 'passthrough'],
	};
}

/** `-fps_mode` came with 5.1; builds from the repository have no number and are newer. */
function hasFrameSyncMode(version: string): boolean {
	const [, major, minor] = /^ffmpeg version n?(\d+)\.(\d+)/.exec(version) ?? [];
	if (major === undefined) return true;
	return Number(major) > 5 || (Number(major) === 5 && Number(minor) >= 1);
}
