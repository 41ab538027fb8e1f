import { readFile } from 'node:fs/promises';
import type { ServiceProcess } from './service-process.ts';

/** The process that decodes and infers for a worker, as of now. */
export function inferencePidOf(worker: ServiceProcess): number {
	const started = worker.lines.findLast(({ msg }) => msg === 'inference process: started');
	if (typeof started?.inferencePid !== 'number')
		throw new Error('the worker has started no inference process');
	return started.inferencePid;
}

/** All processes of a worker but those of ffmpeg. */
export function pidsOf(worker: ServiceProcess): readonly number[] {
	return [worker.pid, inferencePidOf(worker)];
}

/** Whether a process runs; one that has ended and is still listed does not (Linux). */
export async function isRunning(pid: number): Promise<boolean> {
	return (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')) !== '';
}

/** The text of a worker's metrics. */
async function metricsOf(worker: ServiceProcess): Promise<string> {
	const { port } = await worker.logged('worker: ready');
	return (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
}

/** A figure of a worker's metrics; NaN where it is not there. */
export async function metricOf(worker: ServiceProcess, name: string, label = ''): Promise<number> {
	const line = (await metricsOf(worker))
		.split('\n')
		.find((text) => text.startsWith(`${name}{`) && text.includes(label));
	return Number(line?.split(' ').at(-1));
}
