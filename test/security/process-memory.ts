import { readFile, writeFile } from 'node:fs/promises';

const KILOBYTE = 1024;

/** The most resident memory that a process has had since it began, or since `forgetPeak`, in bytes (Linux). */
export async function peakMemory(pid: number): Promise<number> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8');
	return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * KILOBYTE;
}

/** Begins to measure anew (proc(5), `clear_refs`). */
export async function forgetPeak(pid: number): Promise<void> {
	await writeFile(`/proc/${pid}/clear_refs`, '5');
}
