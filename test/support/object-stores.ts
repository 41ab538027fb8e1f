import type { Environment } from './facet.ts';
import { s3Environment, startS3Server } from './s3-server.ts';

export interface StoreSetup {
	/** What makes a service use the store. */
	readonly environment: Environment;
	stop(): Promise<void>;
}

/** Each kind of object store, for `describe.each`: its name, and what starts one. */
export const OBJECT_STORES: [string, () => Promise<StoreSetup>][] = [
	['file system', async () => ({ environment: {}, stop: async () => {} })],
	[
		'S3',
		async () => {
			const server = await startS3Server();
			return { environment: s3Environment(server), stop: () => server.stop() };
		},
	],
];
