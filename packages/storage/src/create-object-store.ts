import type { Logger } from '@facet/contracts';
import { FilesystemStore, type FilesystemStoreOptions } from './filesystem-store.ts';
import type { S3Store, S3StoreOptions } from './s3-store.ts';

export type ObjectStoreOptions =
	| ({ readonly driver: 'fs' } & FilesystemStoreOptions)
	| ({
			readonly driver: 's3';
			/** When given, the bucket's lifecycle rule is set to delete objects of this age; a refusal is only logged. */
			readonly expireAfterSeconds?: number;
	  } & S3StoreOptions);

/**
 * The object store of a process, ready for use. `store instanceof FilesystemStore` tells whether there are files to
 * serve and to sweep.
 *
 * @throws AppError `storage_unavailable` when the file-system driver cannot make its directory. The S3 driver does not
 * need its bucket yet.
 */
export async function createObjectStore(
	options: ObjectStoreOptions,
	logger: Logger,
): Promise<FilesystemStore | S3Store> {
	if (options.driver === 'fs') return FilesystemStore.open(options);
	// Only when it is asked for: the SDK takes 25 MB and 0.2 s of processor time.
	const { S3Store } = await import('./s3-store.ts');
	const store = new S3Store(options, logger);
	if (options.expireAfterSeconds !== undefined) await store.ensureLifecycleRule(options.expireAfterSeconds);
	return store;
}
