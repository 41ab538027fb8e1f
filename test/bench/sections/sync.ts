import { inParallel } from '../../support/in-parallel.ts';
import type { Bench, MeasuredService, Section } from '../suite/bench.ts';
import type { Row } from '../suite/report.ts';
import { median, percentile, rounded } from '../suite/statistics.ts';

const CLIENTS = [1, 2, 8, 32];
/** Requests of one client, before and after as many photos without the service. */
const TURN = 20;

/** Milliseconds of each request of one round. */
interface Round {
	readonly latenciesMs: readonly number[];
	/** What each request would have taken if all had shared the service evenly: Little's law. */
	readonly fairMs: number;
}

/** Clients that wait for each answer before they send the next request. */
export const syncSection: Section = {
	name: 'sync',
	title: 'Service, synchronous',
	async run(bench) {
		const service = await bench.service();
		await load(bench, service, 4, bench.size.warmUp);
		const rounds = new Map(CLIENTS.map((clients): [number, Round[]] => [clients, []]));
		const bareMs: number[] = [];
		const overheadMs: number[] = [];
		for (let round = 0; round < bench.size.rounds; round += 1) {
			const single = await besideBare(bench, service);
			bareMs.push(percentile(single.bareMs, 50));
			overheadMs.push(percentile(single.latenciesMs, 50) - percentile(single.bareMs, 50));
			rounds.get(1)?.push({ latenciesMs: single.latenciesMs, fairMs: mean(single.latenciesMs) });
			for (const clients of CLIENTS.slice(1))
				rounds.get(clients)?.push(await load(bench, service, clients, bench.size.syncRequests));
		}
		const stages = await stagesOf(bench, service);
		const of = (clients: number, figure: (round: Round) => number) =>
			median((rounds.get(clients) ?? []).map(figure));
		const p = (percent: number) => (round: Round) => percentile(round.latenciesMs, percent);
		const tail = rounded(
			of(1, (round) => p(99)(round) / p(50)(round)),
			2,
		);
		const unfair = rounded(
			of(32, (round) => Math.max(...round.latenciesMs) / round.fairMs),
			2,
		);
		const overhead = rounded(median(overheadMs), 1);
		return {
			rows: [
				{
					clients: 'bare pipeline',
					'p50 ms': rounded(median(bareMs), 1),
					'p95 ms': '',
					'p99 ms': '',
					'longest of fair share': '',
				},
				...CLIENTS.map(
					(clients): Row => ({
						clients,
						'p50 ms': rounded(of(clients, p(50)), 1),
						'p95 ms': rounded(of(clients, p(95)), 1),
						'p99 ms': rounded(of(clients, p(99)), 1),
						'longest of fair share': rounded(
							of(clients, (round) => Math.max(...round.latenciesMs) / round.fairMs),
							2,
						),
					}),
				),
			],
			targets: [
				{ figure: 'one client, ms over the bare pipeline, p50', value: overhead, most: 6 },
				{ figure: 'one client, p99 of p50', value: tail, most: 3 },
				{ figure: '32 clients, longest wait of the fair share', value: unfair, most: 1.5 },
			],
			figures: { syncP50Ms: rounded(of(1, p(50)), 2), syncOverheadMs: overhead },
			notes: [
				`\`POST /detect_faces\` with a URL, ${bench.size.syncRequests} requests of 1920-pixel photos a round, medians of ${bench.size.rounds} rounds. The bare pipeline is one photo in one thread, decoding and networks, ${TURN} photos in turn with as many requests (of the service’s threads, those that have nothing to do help with detection); the overhead is the difference of the two p50 of a round, and has the download in it.`,
				`Where one client’s time goes (medians, ms): ${stages}.`,
				'The fair share is the number of clients over the requests done a second.',
			],
		};
	},
};

/**
 * One client, in turn with the same photos without the service. In turns of some length: photo by photo, each of the two
 * would find the other's networks and pixels in the processor's caches, which no client of a service does to it.
 */
async function besideBare(bench: Bench, { client }: MeasuredService) {
	const bound = await bench.bound();
	const latenciesMs: number[] = [];
	const bareMs: number[] = [];
	const photos = [...bench.photos.paths(bench.size.syncRequests).entries()];
	for (let start = 0; start < photos.length; start += TURN) {
		const turn = photos.slice(start, start + TURN);
		for (const [, path] of turn)
			bareMs.push(await timed(() => bound.run([path], { threads: 1, inFlight: 1 })));
		for (const [index] of turn) latenciesMs.push(await timed(() => client.detect(bench.photos.url(index))));
	}
	return { latenciesMs, bareMs };
}

async function load(
	bench: Bench,
	{ client }: MeasuredService,
	clients: number,
	requests: number,
): Promise<Round> {
	const startedAt = performance.now();
	const urls = Array.from({ length: requests }, (_, index) => bench.photos.url(index));
	const latenciesMs = await inParallel(urls, clients, (url) => timed(() => client.detect(url)));
	return { latenciesMs, fairMs: (clients * (performance.now() - startedAt)) / requests };
}

/** The stages of single requests, as the service itself accounts for them, and what is left. */
async function stagesOf(bench: Bench, { client }: MeasuredService): Promise<string> {
	const times = new Map<string, number[]>();
	for (let index = 0; index < 12; index += 1) {
		let id = '';
		const wholeMs = await timed(async () => {
			id = await client.detect(bench.photos.url(index));
		});
		const { metrics } = await client.ended(id);
		const stages = Object.entries(metrics ?? {});
		const accounted = stages.reduce((sum, [, ms]) => sum + ms, 0);
		for (const [stage, ms] of [...stages, ['HTTP, Redis and the rest', wholeMs - accounted] as const])
			times.set(stage, [...(times.get(stage) ?? []), ms]);
	}
	return [...times].map(([stage, all]) => `${stage} ${median(all).toFixed(1)}`).join(', ');
}

async function timed(work: () => Promise<unknown>): Promise<number> {
	const startedAt = performance.now();
	await work();
	return performance.now() - startedAt;
}

function mean(values: readonly number[]): number {
	return values.reduce((sum, value) => sum + value, 0) / values.length;
}
