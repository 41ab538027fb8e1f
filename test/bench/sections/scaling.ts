import type { MeasuredService, Section } from '../suite/bench.ts';
import { median, rounded } from '../suite/statistics.ts';

/** How the service grows by threads and by processes. */
export const scalingSection: Section = {
	name: 'scaling',
	title: 'Scaling: threads and processes',
	async run(bench) {
		const { size, photos } = bench;
		const bound = await bench.bound();
		// All are there from the start and idle until their turn, so that rounds compare like with like.
		const one = await bench.service({ INFERENCE_THREADS: '1', WORKER_CONCURRENCY: '3' });
		const two = await bench.service({ INFERENCE_THREADS: '2', WORKER_CONCURRENCY: '5' });
		const few = await bench.service({ INFERENCE_THREADS: '2', WORKER_CONCURRENCY: '3' });
		const apart = await bench.service({ INFERENCE_THREADS: '1', WORKER_CONCURRENCY: '3' }, 2);
		const through = (service: MeasuredService, share: number) => () =>
			bench.photosPerSecond(service, 6 * Math.ceil((size.photos * share) / 6));
		const alone = (threads: number) => () =>
			bound.run(photos.paths((size.photos * threads) / 4), { threads: Math.min(threads, bench.cores) });
		const kinds = {
			'bound, 1 thread': alone(1),
			'bound, 2 threads': alone(2),
			'1 process, 1 thread': through(one, 0.25),
			'1 process, 2 threads': through(two, 0.5),
			'2 processes, 1 thread each': through(apart, 0.5),
			'1 process, 2 threads, 3 jobs in flight for 5': through(few, 0.5),
		};
		const speeds = Object.keys(kinds).map((): number[] => []);
		for (const service of [one, two, few, apart]) await bench.photosPerSecond(service, size.warmUp);
		for (let round = 0; round < size.rounds; round += 1) {
			for (const [index, measure] of Object.values(kinds).entries()) speeds[index]?.push(await measure());
		}
		const times = (index: number, base: number) =>
			rounded(
				median((speeds[index] ?? []).map((speed, round) => speed / (speeds[base]?.[round] ?? Number.NaN))),
				2,
			);
		return {
			rows: Object.keys(kinds).map((kind, index) => ({
				kind,
				'photos a second': rounded(median(speeds[index] ?? []), 1),
				'times one thread': times(index, index < 2 ? 0 : 2),
			})),
			targets: [
				{ figure: 'two threads, of one', value: times(3, 2), least: 1.8 },
				{ figure: 'two processes, of one', value: times(4, 2), least: 1.8 },
			],
			figures: { oneThreadPhotosPerSecond: rounded(median(speeds[2] ?? []), 2) },
			notes: [
				`Rounds of ${size.photos / 4} to ${size.photos / 2} photos, crops off, ratios within a round. A single thread has the second core for decoding, HTTP and Redis; two share it, so on two cores the ratio is below two even with no loss at all.`,
			],
		};
	},
};
