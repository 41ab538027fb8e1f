import { AppError, type DetectJob } from '@facet/contracts';
import { type DownloadOptions, download, type ReceivedFile, receiveFile } from '@facet/media';
import type { ObjectStore } from '@facet/storage';

export interface SourceFetcherOptions extends Omit<DownloadOptions, 'signal'> {
	readonly store: ObjectStore;
}

/** Brings the media of a job into a local file: the only thing that decoders ever see. */
export class SourceFetcher {
	readonly #options: SourceFetcherOptions;

	constructor(options: SourceFetcherOptions) {
		this.#options = options;
	}

	/**
	 * @throws AppError as `download`, `storage_unavailable`, or `internal` when an inline image has expired.
	 */
	async fetch(source: DetectJob['source'], file: string, signal: AbortSignal): Promise<ReceivedFile> {
		if (source.kind === 'url') return download(source.url, file, { ...this.#options, signal });
		return receiveFile(await this.#open(source.key), file, { maxBytes: this.#options.maxBytes, signal });
	}

	/** Forgets media that was stored for the job alone. */
	async discard(source: DetectJob['source']): Promise<void> {
		if (source.kind === 'object' && !source.keep) await this.#options.store.delete(source.key);
	}

	async #open(key: string) {
		try {
			return await this.#options.store.get(key);
		} catch (error) {
			if (!(error instanceof AppError) || error.code !== 'not_found') throw error;
			throw new AppError('internal', {
				detail: 'the inline image is no longer stored',
				retryable: false,
				cause: error,
			});
		}
	}
}
