import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import { type Environment, Facet } from '../../support/facet.ts';
import { inParallel } from '../../support/in-parallel.ts';
import type { BenchRedis } from './bench-redis.ts';
import type { BenchSize } from './bench-size.ts';
import { BoundPool } from './bound-pool.ts';
import type { PhotoSource } from './photo-source.ts';
import type { Findings } from './report.ts';
import { ServiceClient } from './service-client.ts';

/** A part of the benchmark, which can be run alone. */
export interface Section {
	readonly name: string;
	readonly title: string;
	run(bench: Bench): Promise<Findings>;
}

/** A service under measurement. */
export interface MeasuredService {
	readonly facet: Facet;
	readonly client: ServiceClient;
}

/** The detector of all sections but the bound, which has all that there are. */
const MODEL = 'ultraface';

/** Submitting clients; more only wait for the API. */
const SUBMITTERS = 8;
const READERS = 4;

/** What every section works with. */
export class Bench {
	readonly size: BenchSize;
	readonly redis: BenchRedis;
	readonly photos: PhotoSource;
	readonly cores = availableParallelism();
	readonly modelsDir = resolve('models');
	/** What the sections before this one have found. */
	readonly figures: Record<string, number> = {};
	readonly #closers: (() => Promise<void>)[] = [];
	#bound: Promise<BoundPool> | undefined;

	constructor(size: BenchSize, redis: BenchRedis, photos: PhotoSource) {
		this.size = size;
		this.redis = redis;
		this.photos = photos;
	}

	/** As many threads as cores with the default detector, for all sections. */
	bound(): Promise<BoundPool> {
		this.#bound ??= this.#startBound();
		return this.#bound;
	}

	/** A service as it is installed, of one API and so many workers; `closeServices` stops it. */
	async service(environment: Environment = {}, workers = 1): Promise<MeasuredService> {
		const facet = await Facet.start(
			this.redis.url,
			{
				MODELS_DIR: this.modelsDir,
				DETECTOR_MODEL: MODEL,
				INFERENCE_THREADS: String(this.cores),
				JOB_LOCK_MS: '10000',
				SYNC_TIMEOUT_MS: '600000',
				...environment,
			},
			workers,
		);
		const client = new ServiceClient(facet.url);
		this.#closers.push(async () => {
			client.close();
			await facet.stop();
		});
		return { facet, client };
	}

	/** Photos a second from the first request to the last result, through the API and back. */
	async photosPerSecond({ client }: MeasuredService, count: number, withCrops = false): Promise<number> {
		const startedAt = performance.now();
		const urls = Array.from({ length: count }, (_, index) => this.photos.url(index));
		const ids = await inParallel(urls, SUBMITTERS, (url) => client.submit(url, withCrops));
		await inParallel(ids, READERS, (id) => client.ended(id));
		return (1000 * count) / (performance.now() - startedAt);
	}

	async closeServices(): Promise<void> {
		for (const close of this.#closers.splice(0)) await close();
	}

	async close(): Promise<void> {
		await this.closeServices();
		await (await this.#bound)?.close();
	}

	async #startBound(): Promise<BoundPool> {
		const pool = await BoundPool.start(this.modelsDir, MODEL, this.cores);
		// Code and memory that the first photos bring with them are there to stay.
		await pool.run(this.photos.paths(6 * this.cores), { threads: this.cores });
		return pool;
	}
}
