import { readFile } from 'node:fs/promises';

/** The kernel's unit for such times on every Linux that Node runs on (`getconf CLK_TCK`). */
const TICKS_A_SECOND = 100;

/** Processor time that a process has taken with all its threads, in milliseconds (Linux). */
export async function processorMs(pid: number): Promise<number> {
	const text = await readFile(`/proc/${pid}/stat`, 'utf8');
	// The name, in brackets, may have spaces; the fields are counted from it (proc(5)).
	const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
	return ((Number(fields[11]) + Number(fields[12])) * 1000) / TICKS_A_SECOND;
}
