import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import type { Section } from '../suite/bench.ts';
import { BoundPool } from '../suite/bound-pool.ts';
import { median, rounded } from '../suite/statistics.ts';

const manifestSchema = z.object({
	models: z.array(z.object({ name: z.string(), file: z.string(), input: z.object({}).optional() })),
});

/** Detectors worth a line, when their weights are there. */
const ENGINES = ['ultraface', 'yunet', 'scrfd_500m', 'scrfd_10g'];

/** What the machine can do with each detector. */
export const boundSection: Section = {
	name: 'bound',
	title: 'Bound: decoding and the networks alone',
	async run(bench) {
		const { cores, photos, size } = bench;
		const engines = await enginesAtHand(bench.modelsDir);
		const counts = [...new Set([1, cores])];
		const speeds = new Map<string, number[]>();
		const pools = await Promise.all(
			engines.map(async (engine) => ({
				engine,
				pool: await BoundPool.start(bench.modelsDir, engine, cores),
			})),
		);
		try {
			for (const { pool } of pools) await pool.run(photos.paths(6), { threads: cores });
			for (let round = 0; round < size.rounds; round += 1) {
				for (const { engine, pool } of pools) {
					for (const threads of counts) {
						const paths = photos.paths(Math.ceil((size.photos * threads) / (2 * cores)));
						const speed = await pool.run(paths, { threads });
						const key = `${engine} ${threads}`;
						speeds.set(key, [...(speeds.get(key) ?? []), speed]);
					}
				}
			}
		} finally {
			for (const { pool } of pools) await pool.close();
		}
		const speedOf = (engine: string, threads: number) => median(speeds.get(`${engine} ${threads}`) ?? []);
		return {
			rows: engines.flatMap((engine) =>
				counts.map((threads) => ({
					detector: basename(engine),
					threads,
					'photos a second': rounded(speedOf(engine, threads), 1),
					'ms of a core a photo': rounded((1000 * threads) / speedOf(engine, threads), 1),
					'times one thread': rounded(speedOf(engine, threads) / speedOf(engine, 1), 2),
				})),
			),
			targets: [],
			figures: { boundPhotosPerSecond: rounded(speedOf('ultraface', cores), 2) },
			notes: [
				'One process without a queue, files that are in memory, two photos under way in each thread: while the network works on one, the other is decoded, on another core if there is one.',
			],
		};
	},
};

async function enginesAtHand(modelsDir: string): Promise<string[]> {
	const manifest = manifestSchema.parse(JSON.parse(await readFile(join(modelsDir, 'MODELS.json'), 'utf8')));
	const there = manifest.models
		.filter(({ file }) => existsSync(join(modelsDir, file)))
		.map(({ name }) => name);
	return ENGINES.filter((name) => there.includes(name));
}
