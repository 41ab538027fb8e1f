import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { AppError } from '@facet/contracts';
import { CONFINING_PROGRAM, confinedArguments } from '../confined-process.ts';
import type { VideoType } from '../sniff.ts';
import type { ProcessLimit } from './process-limit.ts';

/**
 * Runs of ffprobe. fluent-ffmpeg collects the whole of ffprobe's output and takes no input options, so this is
 * `node:child_process`; the options that protect are the same as in `ffmpeg.ts`.
 */
export interface ProbeRun {
	readonly path: string;
	readonly type: VideoType;
	/** What to print, and how. */
	readonly args: readonly string[];
	readonly timeoutMs: number;
	readonly processes: ProcessLimit;
	readonly signal?: AbortSignal | undefined;
}

export interface ProbeEnd {
	/** Whether ffprobe got through the file. */
	readonly succeeded: boolean;
	/** The first lines of what it complained about. */
	readonly complaints: readonly string[];
}

/** Demuxers and protocols are named, so that no file can make ffmpeg open another one. */
export function inputProtection(type: VideoType): string[] {
	return ['-f', type.demuxer, '-protocol_whitelist', 'file,pipe'];
}

const MAX_COMPLAINTS = 20;
const MAX_COMPLAINT_LENGTH = 300;

/**
 * Runs ffprobe and hands over each line of its output as it comes. A line taker that returns false ends the run.
 *
 * ffprobe dies with this process: its next line goes to a broken pipe.
 *
 * @throws AppError `processing_timeout`; the signal's reason when it is aborted; `internal` when ffprobe cannot be run.
 */
export async function runProbe(run: ProbeRun, onLine: (line: string) => boolean): Promise<ProbeEnd> {
	const release = await run.processes.acquire(run.signal);
	try {
		return await probe(run, onLine);
	} finally {
		release();
	}
}

function probe(run: ProbeRun, onLine: (line: string) => boolean): Promise<ProbeEnd> {
	const args = ['-hide_banner', '-v', 'error', ...inputProtection(run.type), ...run.args, '-i', run.path];
	const child = spawn(CONFINING_PROGRAM, [...confinedArguments('ffprobe'), ...args], {
		stdio: ['ignore', 'pipe', 'pipe'],
		windowsHide: true,
	});
	return new Promise<ProbeEnd>((resolve, reject) => {
		const complaints: string[] = [];
		let stopped = false;
		let failure: unknown;
		const stop = (reason?: unknown) => {
			stopped = true;
			failure ??= reason;
			child.kill('SIGKILL');
		};
		const abort = () => stop(run.signal?.reason ?? new AppError('internal'));
		const timer = setTimeout(() => {
			stop(new AppError('processing_timeout', { detail: 'reading the video took too long' }));
		}, run.timeoutMs);
		run.signal?.addEventListener('abort', abort, { once: true });
		createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY }).on('line', (line) => {
			try {
				if (!stopped && line !== '' && !onLine(line)) stop();
			} catch (error) {
				stop(error);
			}
		});
		createInterface({ input: child.stderr }).on('line', (line) => {
			if (complaints.length < MAX_COMPLAINTS) complaints.push(line.slice(0, MAX_COMPLAINT_LENGTH));
		});
		child.on('error', (cause) => stop(new AppError('internal', { detail: 'ffprobe cannot be run', cause })));
		child.on('close', (code) => {
			clearTimeout(timer);
			run.signal?.removeEventListener('abort', abort);
			if (failure === undefined) resolve({ succeeded: code === 0 || stopped, complaints });
			else reject(failure);
		});
	});
}
