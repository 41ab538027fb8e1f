import type { Readable } from 'node:stream';
import type { UploadLink, UploadUrlOptions } from './upload-link.ts';

export interface PutOptions {
	/** Media type of the object; must be the one that the key's extension stands for, see `contentTypeOf`. */
	readonly contentType: string;
	/** Length of the body in bytes. Required for a stream: S3 takes none of unknown length. */
	readonly contentLength?: number;
}

export interface UrlOptions {
	/** Life of the link in seconds; by default the store's `linkTtlSeconds`. */
	readonly expiresInSeconds?: number;
}

/** What there is to say of an object without reading it. */
export interface ObjectHead {
	/** Bytes. */
	readonly contentLength: number;
	/** A strong validator, with its quotes. */
	readonly etag: string;
}

/**
 * Where crops, inline images and uploads live. Both drivers pass the contract suite in `test/contract`.
 *
 * Every method rejects with AppError `invalid_request` on a key that breaks the rules of `checkObjectKey`, and with
 * `storage_unavailable` when the store cannot be reached, refuses us or is full.
 */
export interface ObjectStore {
	/**
	 * Stores the object, in place of one that was there. A reader sees all of the old bytes or all of the new ones.
	 * When a stream fails midway the promise rejects with the stream's own error and nothing is stored. The stream is
	 * destroyed whatever happens.
	 */
	put(key: string, body: Uint8Array | Readable, options: PutOptions): Promise<void>;

	/**
	 * The object's bytes. The caller reads the stream to its end or destroys it: until then it holds a file or a socket.
	 *
	 * @throws AppError `not_found` when there is no such object.
	 */
	get(key: string): Promise<Readable>;

	/**
	 * Looks at an object, say whether an upload has come.
	 *
	 * @throws AppError `not_found` when there is no such object.
	 */
	head(key: string): Promise<ObjectHead>;

	/** Deletes the object; one that is not there is no error. */
	delete(key: string): Promise<void>;

	/** Deletes every object below this folder, given with or without its last slash: `faces/1` spares `faces/10/a.jpg`. */
	deletePrefix(prefix: string): Promise<void>;

	/** A link that a client can GET the object from. Whether the object exists is not looked at. */
	url(key: string, options?: UrlOptions): Promise<string>;

	/**
	 * A link that a client can PUT the object to, as often as it likes until the link expires; each time the object
	 * appears whole or not at all. Its media type is no more than what the client must announce.
	 *
	 * @throws AppError `body_too_large` for a `contentLength` beyond `maxBytes`; `invalid_request` for a media type that
	 * no picture or video has.
	 */
	uploadUrl(key: string, options: UploadUrlOptions): Promise<UploadLink>;

	/** Resolves when the store can take an object right now: it really writes one. */
	check(): Promise<void>;

	/** Lets go of sockets; the store must not be used any more. */
	close(): Promise<void>;
}
