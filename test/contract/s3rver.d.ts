/** The part of s3rver 3.7 that the tests use; the package has no types. */
declare module 's3rver' {
	import type { RequestListener } from 'node:http';

	/** The object as its `PUT` handler passes it on: the content is the request. */
	interface IncomingObject {
		readonly bucket: string;
		readonly key: string;
		readonly content: AsyncIterable<Uint8Array>;
		readonly metadata: Record<string, string>;
	}

	interface Listing {
		readonly objects: { readonly key: string }[];
		readonly isTruncated: boolean;
	}

	interface Store {
		putObject(object: IncomingObject): Promise<{ size: number; md5: string }>;
		getObject(bucket: string, key: string, options: object): Promise<unknown>;
		deleteObject(bucket: string, key: string): Promise<void>;
		listObjects(bucket: string, options: { maxKeys?: number }): Promise<Listing>;
		putMetadata(bucket: string, key: string, metadata: Record<string, string>, md5: string): Promise<void>;
		getResourcePath(bucket: string, key: string, resource: 'object'): string;
	}

	class S3rver {
		constructor(options: {
			directory: string;
			silent?: boolean;
			vhostBuckets?: boolean;
			configureBuckets?: { name: string }[];
		});
		readonly store: Store;
		/** winston's; holds handlers of the process until it is closed. */
		readonly logger: { exceptions: { unhandle(): void }; close(): void };
		configureBuckets(): Promise<unknown>;
		callback(): RequestListener;
	}

	export = S3rver;
}
