import { readFile } from 'node:fs/promises';
import type { Section } from '../suite/bench.ts';
import { inParallel } from '../suite/in-parallel.ts';
import { rounded } from '../suite/statistics.ts';

/** More requests than a worker takes at once, so that it is never short of work. */
const CLIENTS = 8;

/** What a worker process takes of the machine. */
export const memorySection: Section = {
	name: 'memory',
	title: 'Memory and start of a worker',
	async run(bench) {
		const { client, facet } = await bench.service({}, 0);
		const startedAt = performance.now();
		const worker = await facet.startWorker();
		const startMs = performance.now() - startedAt;
		const atRest = await residentMB(worker.pid, 'VmRSS');
		if (atRest === undefined)
			return {
				rows: [],
				targets: [],
				figures: {},
				notes: ['Not measured: there is no /proc on this system.'],
			};
		await inParallel(CLIENTS, bench.size.largePhotos, async () => {
			await client.ended(await client.submit(bench.photos.largeUrl(), true));
		});
		const peak = (await residentMB(worker.pid, 'VmHWM')) ?? Number.NaN;
		return {
			rows: [
				{
					'start to ready, ms': rounded(startMs),
					'at rest, MB': atRest,
					'peak, MB': peak,
					threads: bench.cores,
				},
			],
			targets: [
				{ figure: 'start to ready, ms', value: rounded(startMs), most: 2000 },
				{ figure: 'worker at rest, MB', value: atRest, most: 250 },
				{ figure: 'worker at most, MB, photos of 24 megapixels', value: peak, most: 600 },
			],
			figures: { workerRestMB: atRest, workerPeakMB: peak },
			notes: [
				`Resident memory of one worker process with the embedded networks and ${bench.cores} threads, when it is ready and at its highest after ${bench.size.largePhotos} JPEGs of 24 megapixels with crops, ${CLIENTS} in flight.`,
			],
		};
	},
};

/** In MB of 10^6 bytes; undefined where the system does not say. */
async function residentMB(pid: number, field: 'VmRSS' | 'VmHWM'): Promise<number | undefined> {
	const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
	const kibibytes = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
	return kibibytes === undefined ? undefined : rounded((Number(kibibytes) * 1024) / 1e6);
}
