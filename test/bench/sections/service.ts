import { platform } from 'node:os';
import { processorMs } from '../../support/processor-time.ts';
import { inferencePidOf } from '../../support/worker-processes.ts';
import type { MeasuredService, Section } from '../suite/bench.ts';
import { median, rounded } from '../suite/statistics.ts';

/** Photos through the whole service, against the bound, in turn. */
export const serviceSection: Section = {
	name: 'service',
	title: 'Service, asynchronous, against the bound',
	async run(bench) {
		const { size, photos, cores, redis } = bench;
		const bound = await bench.bound();
		const service = await bench.service();
		await bench.photosPerSecond(service, size.warmUp);
		await bench.photosPerSecond(service, size.warmUp / 4, true);
		const kinds = {
			'bound: decoding and network alone': () => bound.run(photos.paths(size.photos), { threads: cores }),
			'service, crops off': () => bench.photosPerSecond(service, size.photos),
			'service, crops on': () => bench.photosPerSecond(service, size.photos, true),
		};
		const speeds = Object.keys(kinds).map((): number[] => []);
		for (let round = 0; round < size.rounds; round += 1) {
			for (const [index, measure] of Object.values(kinds).entries()) speeds[index]?.push(await measure());
		}
		// Apart from the rounds, since reading the accounts is work for Redis too.
		const before = await processorTimes(service);
		let photosPerSecond = Number.NaN;
		const work = await redis.workOf(async () => {
			photosPerSecond = await bench.photosPerSecond(service, size.photos);
		});
		const after = await processorTimes(service);
		const [boundSpeeds = []] = speeds;
		const ratioOf = (index: number) =>
			rounded(
				median((speeds[index] ?? []).map((speed, round) => speed / (boundSpeeds[round] ?? Number.NaN))),
				3,
			);
		const perJob = (value: number) => value / size.photos;
		const perJobMs: Record<string, number> = {
			...Object.fromEntries(
				Object.entries(after).map(([name, ms]) => [name, perJob(ms - (before[name] ?? Number.NaN))]),
			),
			Redis: perJob(1000 * work.processorSeconds),
		};
		return {
			rows: Object.keys(kinds).map((kind, index) => ({
				kind,
				'photos a second': rounded(median(speeds[index] ?? []), 1),
				'of the bound': ratioOf(index),
				'lowest and highest ratio': extremes(
					(speeds[index] ?? []).map((speed, round) => speed / (boundSpeeds[round] ?? Number.NaN)),
				),
			})),
			targets: [
				{ figure: 'asynchronous, crops off, of the bound', value: ratioOf(1), least: 0.9 },
				{ figure: 'asynchronous, crops on, of the bound', value: ratioOf(2), least: 0.8 },
			],
			figures: {
				servicePhotosPerSecond: rounded(median(speeds[1] ?? []), 2),
				serviceWithCropsPhotosPerSecond: rounded(median(speeds[2] ?? []), 2),
				redisCommandsPerJob: rounded(perJob(work.commands), 1),
				redisRoundTripsPerJob: rounded(perJob(work.reads), 1),
				apiProcessorMsPerJob: rounded(perJobMs.API ?? Number.NaN, 2),
				redisProcessorMsPerJob: rounded(perJob(1000 * work.processorSeconds), 3),
			},
			notes: [
				`${size.rounds} rounds of ${size.photos} photos of 1920 pixels, one kind after the other in each round; medians of the rounds, and of each round’s ratio.`,
				'From the first `POST /v1/jobs` to the last `GET /v1/jobs/{id}` with its result, over HTTP. The client, the server of the photos and Redis run on the same cores.',
				`Processor time of a photo, by the kernel’s accounts: ${Object.entries(perJobMs)
					.map(([name, ms]) => `${name} ${ms.toFixed(1)}`)
					.join(
						', ',
					)} ms of a core; the ${cores} cores together had ${rounded((1000 * cores) / photosPerSecond, 1)} ms for each.`,
				`Redis, a job: ${rounded(perJob(work.reads), 1)} reads from its connections, ${rounded(perJob(work.commands), 1)} commands with those inside scripts, ${rounded(perJob(1000 * work.processorSeconds), 2)} ms of its core; all processes together, their looks at canceled jobs and deadlines included.`,
			],
		};
	},
};

function extremes(ratios: readonly number[]): string {
	return `${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`;
}

/** Processor time that each process has taken until now, in milliseconds; elsewhere than on Linux the API's alone. */
async function processorTimes({ facet }: MeasuredService): Promise<Record<string, number>> {
	if (platform() !== 'linux') {
		const metrics = await (await fetch(`${facet.url}/metrics`)).text();
		return { API: 1000 * Number(/^process_cpu_seconds_total\S* (\S+)$/m.exec(metrics)?.[1]) };
	}
	const worker = facet.process('worker');
	return {
		API: await processorMs(facet.process('api').pid),
		worker: await processorMs(worker.pid),
		'its inference process': await processorMs(inferencePidOf(worker)),
		'client and server of the photos': await processorMs(process.pid),
	};
}
