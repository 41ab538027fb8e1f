import type { Logger } from '@facet/contracts';

export interface MemoryWatchOptions {
	/** 0 for no limit. */
	readonly maxRssBytes: number;
	/** Called once, when the limit is passed. */
	readonly onExceeded: () => Promise<void>;
	readonly logger: Logger;
	/** Resident memory of the worker, in bytes. */
	readonly rssBytes: () => number;
	readonly intervalMs?: number;
}

const INTERVAL_MS = 2000;

/**
 * The last line of defence against native memory that grows: tells when the process has become too large.
 *
 * @returns a function that stops it.
 */
export function startMemoryWatch(options: MemoryWatchOptions): () => void {
	const { maxRssBytes, onExceeded, logger, rssBytes } = options;
	if (maxRssBytes === 0) return () => {};
	const atStart = rssBytes();
	if (atStart > maxRssBytes) {
		// It would end again and again without having done a thing.
		logger.error(
			{ rssBytes: atStart, maxRssBytes },
			'worker: larger than its limit at its start, not watched',
		);
		return () => {};
	}
	const timer = setInterval(() => {
		const rss = rssBytes();
		if (rss <= maxRssBytes) return;
		clearInterval(timer);
		logger.info({ rssBytes: rss, maxRssBytes }, 'worker: too large, ends after the jobs it has');
		void onExceeded();
	}, options.intervalMs ?? INTERVAL_MS).unref();
	return () => clearInterval(timer);
}
