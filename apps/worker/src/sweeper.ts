import type { Logger } from '@facet/contracts';
import { FilesystemStore, type ObjectStore } from '@facet/storage';

const SWEEP_INTERVAL_MS = 10 * 60 * 1000;

/**
 * Deletes expired objects from time to time where the store does not do so itself (S3 has lifecycle rules).
 *
 * @returns a function that stops it.
 */
export function startSweeper(store: ObjectStore, ttlSeconds: number, logger: Logger): () => void {
	if (!(store instanceof FilesystemStore)) return () => {};
	const sweep = () => {
		store.sweep(ttlSeconds).catch((err: unknown) => logger.warn({ err }, 'storage: sweep failed'));
	};
	sweep();
	const timer = setInterval(sweep, SWEEP_INTERVAL_MS).unref();
	return () => clearInterval(timer);
}
