import { pidsOf } from '../../support/worker-processes.ts';
import type { MeasuredService, Section } from '../suite/bench.ts';
import { onOneCore } from '../suite/one-core.ts';
import { median, rounded } from '../suite/statistics.ts';

const BOUND = 'bound, 1 thread';
const BOUND_ON_ONE_CORE = 'bound, 1 thread, kept to one core';
const SERVICE = '1 process, 1 thread';
const SERVICE_ON_ONE_CORE = '1 process, 1 thread, kept to one core with all else';
const TWO_THREADS = '1 process, 2 threads';
const TWO_PROCESSES = '2 processes, 1 thread each';

/** How the service grows by threads and by processes. */
export const scalingSection: Section = {
	name: 'scaling',
	title: 'Scaling: threads and processes',
	async run(bench) {
		const { size, photos, cores, redis } = bench;
		const bound = await bench.bound();
		// All are there from the start and idle until their turn, so that rounds compare like with like.
		const one = await bench.service({ INFERENCE_THREADS: '1', WORKER_CONCURRENCY: '7' });
		const two = await bench.service({ INFERENCE_THREADS: '2', WORKER_CONCURRENCY: '9' });
		const few = await bench.service({ INFERENCE_THREADS: '2', WORKER_CONCURRENCY: '5' });
		const apart = await bench.service({ INFERENCE_THREADS: '1', WORKER_CONCURRENCY: '7' }, 2);
		const through = (service: MeasuredService, share: number) => () =>
			bench.photosPerSecond(service, 6 * Math.ceil((size.photos * share) / 6));
		const alone = (threads: number) => () =>
			bound.run(photos.paths((size.photos * threads) / 4), { threads: Math.min(threads, bench.cores) });
		const { facet } = one;
		const all = [
			process.pid,
			facet.process('api').pid,
			...pidsOf(facet.process('worker')),
			await redis.pid(),
		];
		const onOne = (measure: () => Promise<number>) => async () =>
			(await onOneCore(all, cores, measure)) ?? Number.NaN;
		const kinds = {
			[BOUND]: alone(1),
			'bound, 2 threads': alone(2),
			[BOUND_ON_ONE_CORE]: onOne(alone(1)),
			[SERVICE]: through(one, 0.25),
			[TWO_THREADS]: through(two, 0.5),
			[TWO_PROCESSES]: through(apart, 0.5),
			'1 process, 2 threads, 5 jobs in flight for 9': through(few, 0.5),
			[SERVICE_ON_ONE_CORE]: onOne(through(one, 0.25)),
		};
		const speeds = new Map(Object.keys(kinds).map((kind): [string, number[]] => [kind, []]));
		for (const service of [one, two, few, apart]) await bench.photosPerSecond(service, size.warmUp / 4);
		for (let round = 0; round < size.rounds; round += 1) {
			for (const [kind, measure] of Object.entries(kinds)) speeds.get(kind)?.push(await measure());
		}
		const speedsOf = (kind: string) => speeds.get(kind) ?? [];
		const times = (kind: string, base: string) =>
			rounded(median(speedsOf(kind).map((speed, round) => speed / (speedsOf(base)[round] ?? Number.NaN))), 2);
		const isMeasured = (kind: string) => !speedsOf(kind).includes(Number.NaN);
		return {
			rows: Object.keys(kinds)
				.filter(isMeasured)
				.map((kind) => {
					const [oneThread, oneCore] = kind.startsWith('bound')
						? [BOUND, BOUND_ON_ONE_CORE]
						: [SERVICE, SERVICE_ON_ONE_CORE];
					return {
						kind,
						'photos a second': rounded(median(speedsOf(kind)), 1),
						'times one thread': times(kind, oneThread),
						'times one core': isMeasured(oneCore) ? times(kind, oneCore) : '',
					};
				}),
			targets: [
				{ figure: 'two threads, of one', value: times(TWO_THREADS, SERVICE), least: 1.8 },
				{ figure: 'two processes, of one', value: times(TWO_PROCESSES, SERVICE), least: 1.8 },
			],
			figures: { oneThreadPhotosPerSecond: rounded(median(speedsOf(SERVICE)), 2) },
			notes: [
				`Rounds of ${size.photos / 4} to ${size.photos / 2} photos, crops off, ratios within a round. A single thread has the second core for decoding, HTTP and Redis; two share it, so on two cores the ratio is below two even with no loss at all. What is kept to one core (\`taskset\`) has none: API, worker, Redis, client and the server of the photos share it.`,
			],
		};
	},
};
