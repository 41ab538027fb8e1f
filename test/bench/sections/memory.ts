import { platform } from 'node:os';
import { inParallel } from '../../support/in-parallel.ts';
import { peakMemory, proportionalMemory } from '../../support/process-memory.ts';
import { pidsOf } from '../../support/worker-processes.ts';
import type { MeasuredService, Section } from '../suite/bench.ts';
import { median, rounded } from '../suite/statistics.ts';

/** More requests than a worker takes at once, so that it is never short of work. */
const CLIENTS = 12;

/** What a worker process takes of the machine. */
export const memorySection: Section = {
	name: 'memory',
	title: 'Memory and start of a worker',
	async run(bench) {
		const { client, facet } = await bench.service({}, 0);
		const startsMs: number[] = [];
		while (startsMs.length < bench.size.rounds - 1) {
			const started = await startWorker(facet);
			startsMs.push(started.startMs);
			await started.worker.end();
		}
		const { worker, startMs: lastMs } = await startWorker(facet);
		const startMs = median([...startsMs, lastMs]);
		if (platform() !== 'linux') {
			const notes = ['Not measured: there is no /proc on this system.'];
			return { rows: [], targets: [], figures: {}, notes };
		}
		const atRest = megabytes(await proportionalMemory(pidsOf(worker)));
		await inParallel(Array(bench.size.largePhotos).fill(undefined), CLIENTS, async () => {
			await client.ended(await client.submit(bench.photos.largeUrl(), true));
		});
		const peak = megabytes(await peakMemory(pidsOf(worker)));
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
				`Median of ${bench.size.rounds} starts, one after the other. Memory of the last worker, its inference process included, with the embedded networks and ${bench.cores} threads: when it is ready (what the two share counts once), and the highest resident memory of both, added up, after ${bench.size.largePhotos} JPEGs of 24 megapixels with crops, ${CLIENTS} in flight.`,
			],
		};
	},
};

async function startWorker(facet: MeasuredService['facet']) {
	const startedAt = performance.now();
	const worker = await facet.startWorker();
	return { worker, startMs: performance.now() - startedAt };
}

function megabytes(bytes: number): number {
	return rounded(bytes / 1e6);
}
