import { readFile, writeFile } from 'node:fs/promises';

const KILOBYTE = 1024;

/** Resident memory of these processes, in bytes; what they share counts for each (Linux). */
export function residentMemory(pids: readonly number[]): Promise<number> {
	return sum(pids, 'status', 'VmRSS');
}

/** Resident memory of these processes, in bytes; what is shared counts once, in equal parts (Linux). */
export function proportionalMemory(pids: readonly number[]): Promise<number> {
	return sum(pids, 'smaps_rollup', 'Pss');
}

/**
 * The most resident memory that each of these processes has had since it began, or since `forgetPeak`, added up, in bytes
 * (Linux).
 */
export function peakMemory(pids: readonly number[]): Promise<number> {
	return sum(pids, 'status', 'VmHWM');
}

/** Begins to measure anew (proc(5), `clear_refs`). */
export async function forgetPeak(pids: readonly number[]): Promise<void> {
	await Promise.all(pids.map((pid) => writeFile(`/proc/${pid}/clear_refs`, '5')));
}

async function sum(pids: readonly number[], file: string, field: string): Promise<number> {
	const figures = await Promise.all(
		pids.map(async (pid) => {
			const text = await readFile(`/proc/${pid}/${file}`, 'utf8');
			return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * KILOBYTE;
		}),
	);
	return figures.reduce((total, figure) => total + figure, 0);
}
