import type { Logger } from '@facet/contracts';
import type { ObjectStore } from '@facet/storage';
import pMap from 'p-map';
import pRetry from 'p-retry';

export interface CropUploaderOptions {
	readonly store: ObjectStore;
	/** Called for each crop that was given up. */
	readonly onLost: () => void;
	readonly logger: Logger;
}

/** Uploads of one frame side by side; a store's latency, not its bandwidth, is what a small file waits for. */
const UPLOAD_CONCURRENCY = 4;
const RETRIES = 2;

/** Stores face crops under keys that depend on nothing but job, frame and face, so that a second run changes nothing. */
export class CropUploader {
	readonly #options: CropUploaderOptions;
	/** Objects that the store is taking at this moment, by their job. */
	readonly #underWay = new Map<string, Set<Promise<void>>>();

	constructor(options: CropUploaderOptions) {
		this.#options = options;
	}

	/** @returns the keys in the order of the crops, null for one that could not be stored after retries. */
	async upload(
		jobId: string,
		frameIndex: number,
		jpegs: readonly Uint8Array[],
		signal: AbortSignal,
	): Promise<(string | null)[]> {
		return pMap(
			jpegs,
			async (jpeg, index) => this.#store(jobId, `faces/${jobId}/${frameIndex}-${index}.jpg`, jpeg, signal),
			{ concurrency: UPLOAD_CONCURRENCY, signal },
		);
	}

	/**
	 * Drops the crops of a job whose result nobody will see. A run that was broken off no longer waits for what it was
	 * storing, and that would come after the others had been dropped: this waits for it.
	 */
	async discard(jobId: string): Promise<void> {
		await Promise.allSettled(this.#underWay.get(jobId) ?? []);
		await this.#options.store.deletePrefix(`faces/${jobId}`);
	}

	async #store(jobId: string, key: string, jpeg: Uint8Array, signal: AbortSignal): Promise<string | null> {
		const { store, logger, onLost } = this.#options;
		try {
			await pRetry(() => this.#tracked(jobId, store.put(key, jpeg, { contentType: 'image/jpeg' })), {
				retries: RETRIES,
				minTimeout: 200,
				randomize: true,
				signal,
			});
			return key;
		} catch (error) {
			signal.throwIfAborted();
			logger.warn({ err: error, key }, 'crop not stored');
			onLost();
			return null;
		}
	}
	async #tracked(jobId: string, put: Promise<void>): Promise<void> {
		const puts = this.#underWay.get(jobId) ?? new Set();
		this.#underWay.set(jobId, puts.add(put));
		try {
			await put;
		} finally {
			puts.delete(put);
			if (puts.size === 0) this.#underWay.delete(jobId);
		}
	}
}
