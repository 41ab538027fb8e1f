import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/**
 * Programs that parse what strangers send run under limits of the kernel (setrlimit), set by `prlimit` of util-linux: a
 * fault in a decoder then takes neither the machine's memory nor its disk, and does not see the service's environment.
 */

export interface ProcessConfinement {
	/** Address space of each process, which is more than it uses. */
	readonly memoryBytes: number;
	/** Processor time of each, for when nobody is left to stop it by the clock. */
	readonly cpuSeconds: number;
}

export interface CommandLimits {
	/** Most files, pipes and the like at once. */
	readonly openFiles: number;
	/** Most bytes of a file that is written, which pipes are not; undefined for any number. */
	readonly fileBytes?: number | undefined;
}

/** What is started in place of ffmpeg and ffprobe; becomes them. */
export const CONFINING_PROGRAM = fileURLToPath(new URL('../bin/run-confined.sh', import.meta.url));

/** Files and pipes of a process; ffmpeg has about ten. */
const MAX_OPEN_FILES = 64;
/** The kernel counts all threads of the user here, those of the service among them, so this only ends avalanches. */
const MAX_USER_THREADS = 4096;

/** Names of limits to prlimit, and to the kernel in `/proc/self/limits`. */
const KERNEL_NAMES = {
	as: 'Max address space',
	cpu: 'Max cpu time',
	fsize: 'Max file size',
	nofile: 'Max open files',
	nproc: 'Max processes',
	core: 'Max core file size',
} as const;

let confinement: ProcessConfinement = { memoryBytes: 4 * 1024 ** 3, cpuSeconds: 7200 };
let ceilings: ReadonlyMap<string, number> | undefined;

/**
 * Sets the limits of all processes started from now on.
 *
 * @returns whether this system can set them: `prlimit` and Linux.
 */
export function confineProcesses(limits: ProcessConfinement): boolean {
	confinement = limits;
	return readCeilings().size > 0;
}

/**
 * What `CONFINING_PROGRAM` wants before the program's own arguments.
 *
 * @param fileBytes - most bytes of a file that the program writes; pipes do not count.
 */
export function confinedArguments(program: 'ffmpeg' | 'ffprobe', fileBytes = 0): string[] {
	const { memoryBytes, cpuSeconds } = confinement;
	const options = limitOptions({
		as: memoryBytes,
		cpu: cpuSeconds,
		fsize: fileBytes,
		nofile: MAX_OPEN_FILES,
		nproc: MAX_USER_THREADS,
		core: 0,
	});
	return ['-confined', options.length > 0 ? options.join(',') : 'none', program];
}

/**
 * A program and its arguments that another command is to follow, which it becomes under these limits, and without core
 * files. Empty where the system cannot set limits.
 */
export function limitingCommand({ openFiles, fileBytes }: CommandLimits): readonly string[] {
	const options = limitOptions({
		nofile: openFiles,
		core: 0,
		...(fileBytes !== undefined && { fsize: fileBytes }),
	});
	return options.length > 0 ? ['prlimit', ...options] : [];
}

/** As options of prlimit; none where that is not to be had. */
function limitOptions(limits: Partial<Record<keyof typeof KERNEL_NAMES, number>>): string[] {
	const own = readCeilings();
	if (own.size === 0) return [];
	// Nobody but root may raise a limit, and whoever tries starts nothing.
	return Object.entries(limits).map(
		([name, limit]) => `--${name}=${Math.min(limit, own.get(name) ?? limit)}`,
	);
}

/** The limits that this process has itself, by prlimit's names; empty where prlimit is not to be had. */
function readCeilings(): ReadonlyMap<string, number> {
	ceilings ??= hasPrlimit() ? parseCeilings(readOwnLimits()) : new Map();
	return ceilings;
}

function readOwnLimits(): string {
	try {
		return readFileSync('/proc/self/limits', 'utf8');
	} catch {
		return '';
	}
}

/** Reads the hard limits out of `/proc/self/limits`. */
export function parseCeilings(text: string): ReadonlyMap<string, number> {
	const found = Object.entries(KERNEL_NAMES).flatMap(([name, kernelName]) => {
		const line = text.split('\n').find((candidate) => candidate.startsWith(`${kernelName} `));
		const hard = line?.slice(kernelName.length).trim().split(/\s+/)[1];
		if (hard === undefined) return [];
		return [[name, hard === 'unlimited' ? Number.POSITIVE_INFINITY : Number(hard)] as const];
	});
	return new Map(found);
}

function hasPrlimit(): boolean {
	return spawnSync('prlimit', ['--version'], { stdio: 'ignore' }).status === 0;
}
