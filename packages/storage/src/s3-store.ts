import { Readable } from 'node:stream';
import {
	DeleteObjectCommand,
	GetObjectCommand,
	HeadObjectCommand,
	ListObjectsV2Command,
	PutObjectCommand,
	type PutObjectCommandInput,
	type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { AppError, type Logger } from '@facet/contracts';
import { checkContentType } from './content-type.ts';
import { checkObjectKey, checkObjectPrefix } from './object-key.ts';
import type { ObjectHead, ObjectStore, PutOptions, UrlOptions } from './object-store.ts';
import { createS3Client, DEFAULT_REQUEST_TIMEOUT_MS, type S3ConnectionOptions } from './s3-client.ts';
import { isNotImplemented, isS3Error, toS3AppError } from './s3-errors.ts';
import { EXPIRY_TAG, ensureLifecycleRule } from './s3-lifecycle.ts';
import { chunksOf, type SizedStream, toSizedBody } from './sized-body.ts';
import { checkUpload, type UploadLink, type UploadUrlOptions } from './upload-link.ts';

export interface S3StoreOptions extends S3ConnectionOptions {
	/** An existing bucket. */
	readonly bucket: string;
	/** Base of unsigned links, for a bucket that is public or behind a CDN: the link is this, `/`, the key. */
	readonly publicBaseUrl?: string;
	/** The endpoint in signed links, when clients reach the store under another address than this process does. */
	readonly publicEndpoint?: string;
	/**
	 * Life of a signed link in seconds; S3 allows 604800 (7 days) and longer ones are cut to that. A link signed with
	 * temporary credentials (a role's) dies with them, however long it was meant to live.
	 */
	readonly linkTtlSeconds: number;
	/** `Cache-Control` of the objects; default `public, max-age=86400` with `publicBaseUrl`, else `private, …, immutable`. */
	readonly cacheControl?: string;
}

/** Longest life of a link by Signature Version 4. */
const MAX_LINK_SECONDS = 604_800;
const READINESS_KEY = 'facet-readiness';
/** Requests in flight of one `deletePrefix`. */
const DELETE_CONCURRENCY = 16;
const TAGGING = new URLSearchParams({ [EXPIRY_TAG.Key]: EXPIRY_TAG.Value }).toString();

const TAGGING_HEADER = 'x-amz-tagging';
/** A stream's request may take as long as it would at this rate, where that is longer than the limit of any request. */
const MIN_UPLOAD_BYTES_PER_MS = 1000;

/**
 * Objects in a bucket of AWS S3, MinIO, R2, Ceph and the like.
 *
 * Objects carry the tag `facet-expires=true` and go by a lifecycle rule of the bucket, see `ensureLifecycleRule`. Where
 * tags are refused (R2 has none) they are left out, with one warning; there, give Facet a bucket of its own and a
 * rule for all of it.
 *
 * Permissions: `s3:GetObject`, `s3:PutObject`, `s3:PutObjectTagging`, `s3:DeleteObject`, `s3:ListBucket`, and
 * `s3:GetLifecycleConfiguration` and `s3:PutLifecycleConfiguration` when the rule shall be set.
 */
export class S3Store implements ObjectStore {
	readonly #client: S3Client;
	readonly #presigner: S3Client;
	readonly #options: S3StoreOptions;
	readonly #cacheControl: string;
	readonly #logger: Logger;
	#tagging: 'untried' | 'works' | 'refused' = 'untried';

	constructor(options: S3StoreOptions, logger: Logger) {
		this.#options = options;
		this.#logger = logger;
		this.#client = createS3Client(options, logger);
		// The host is part of what is signed, so links to another address need a client of that address. It never connects.
		this.#presigner =
			options.publicEndpoint === undefined
				? this.#client
				: createS3Client({ ...options, endpoint: options.publicEndpoint }, logger);
		const scope =
			options.publicBaseUrl === undefined ? 'private, max-age=86400, immutable' : 'public, max-age=86400';
		this.#cacheControl = options.cacheControl ?? scope;
	}

	async put(key: string, body: Uint8Array | Readable, options: PutOptions): Promise<void> {
		const sized = toSizedBody(body, options);
		try {
			const target = {
				Bucket: this.#options.bucket,
				Key: checkObjectKey(key),
				ContentType: checkContentType(key, options.contentType),
				CacheControl: this.#cacheControl,
			};
			if (sized instanceof Uint8Array) await this.#putBytes({ ...target, Body: sized });
			else await this.#putStream(target, sized);
		} finally {
			if (!(sized instanceof Uint8Array)) sized.stream.destroy();
		}
	}

	async get(key: string): Promise<Readable> {
		const command = new GetObjectCommand({ Bucket: this.#options.bucket, Key: checkObjectKey(key) });
		const { Body } = await this.#client.send(command).catch((error: unknown) => {
			throw toS3AppError(error, key);
		});
		if (!(Body instanceof Readable))
			throw new AppError('internal', { cause: new Error(`no body of ${key}`) });
		const bytes = Readable.from(relabelled(Body), { objectMode: false });
		// A generator that was never started does not see its end; without this an unread object would keep its socket.
		bytes.once('close', () => Body.destroy());
		return bytes;
	}

	/** The answer to HEAD has no body, so a missing bucket looks like a missing object. */
	async head(key: string): Promise<ObjectHead> {
		const command = new HeadObjectCommand({ Bucket: this.#options.bucket, Key: checkObjectKey(key) });
		const { ContentLength, ETag } = await this.#client.send(command).catch((error: unknown) => {
			throw toS3AppError(error, key);
		});
		if (ContentLength === undefined || ETag === undefined)
			throw new AppError('internal', { cause: new Error(`no length or no ETag of ${key}`) });
		return { contentLength: ContentLength, etag: ETag };
	}

	async delete(key: string): Promise<void> {
		const command = new DeleteObjectCommand({ Bucket: this.#options.bucket, Key: checkObjectKey(key) });
		await this.#client.send(command).catch((error: unknown) => {
			// S3 answers 204 for a missing object; some stores answer 404.
			if (!isS3Error(error, 'NoSuchKey')) throw toS3AppError(error, key);
		});
	}

	/**
	 * One request an object, side by side. DeleteObjects takes a thousand, but needs a checksum that stores disagree on:
	 * the SDK sends CRC32, Ceph and older MinIO ask for Content-MD5. A job has tens of crops, and S3 charges nothing for
	 * a DELETE.
	 */
	async deletePrefix(prefix: string): Promise<void> {
		const Prefix = `${checkObjectPrefix(prefix)}/`;
		let ContinuationToken: string | undefined;
		do {
			const page = await this.#client
				.send(new ListObjectsV2Command({ Bucket: this.#options.bucket, Prefix, ContinuationToken }))
				.catch((error: unknown) => {
					throw toS3AppError(error);
				});
			const keys = (page.Contents ?? []).flatMap(({ Key }) => (Key === undefined ? [] : [Key]));
			await this.#deleteAll(keys);
			ContinuationToken = page.NextContinuationToken;
		} while (ContinuationToken !== undefined);
	}

	async url(key: string, options: UrlOptions = {}): Promise<string> {
		checkObjectKey(key);
		const { bucket, linkTtlSeconds, publicBaseUrl } = this.#options;
		if (publicBaseUrl !== undefined) return `${publicBaseUrl.replace(/\/+$/, '')}/${key}`;
		const expiresIn = Math.min(options.expiresInSeconds ?? linkTtlSeconds, MAX_LINK_SECONDS);
		// Nothing is asked of the store, but credentials may have to be fetched.
		return getSignedUrl(this.#presigner, new GetObjectCommand({ Bucket: bucket, Key: key }), {
			expiresIn,
		}).catch((error: unknown) => {
			throw toS3AppError(error, key);
		});
	}

	/** The tag cannot be a part of the link: S3 heeds it in a header only, which the client has to send. */
	async uploadUrl(key: string, options: UploadUrlOptions): Promise<UploadLink> {
		checkObjectKey(key);
		checkUpload(options);
		const { expiresInSeconds, contentType, contentLength } = options;
		if (this.#tagging === 'untried') await this.check();
		const tagged = this.#tagging === 'works';
		const command = new PutObjectCommand({
			Bucket: this.#options.bucket,
			Key: key,
			ContentType: contentType,
			...(contentLength === undefined ? {} : { ContentLength: contentLength }),
			...(tagged ? { Tagging: TAGGING } : {}),
		});
		const url = await getSignedUrl(this.#presigner, command, {
			expiresIn: Math.min(expiresInSeconds, MAX_LINK_SECONDS),
			// By default the presigner leaves the type to the client: a page of HTML in a bucket that anyone may read.
			signableHeaders: new Set(['content-type', 'content-length']),
			unhoistableHeaders: new Set([TAGGING_HEADER]),
		}).catch((error: unknown) => {
			throw toS3AppError(error, key);
		});
		return {
			method: 'PUT',
			url,
			headers: { 'Content-Type': contentType, ...(tagged ? { [TAGGING_HEADER]: TAGGING } : {}) },
		};
	}

	/** Writes one small object, always the same: a billed request each time, so ask every few seconds at most. */
	async check(): Promise<void> {
		await this.#putBytes({
			Bucket: this.#options.bucket,
			Key: READINESS_KEY,
			Body: Buffer.from('facet'),
			ContentType: 'application/octet-stream',
		});
	}

	/** Asks the bucket to delete our objects when they are this old, in whole days; only warns when it cannot. */
	async ensureLifecycleRule(ttlSeconds: number): Promise<void> {
		await ensureLifecycleRule(this.#client, this.#options.bucket, ttlSeconds, this.#logger);
	}

	async close(): Promise<void> {
		this.#client.destroy();
		this.#presigner.destroy();
	}

	/** Bytes can be sent again: after the SDK's own retries, once more without the tag when the store may dislike it. */
	async #putBytes(input: PutObjectCommandInput): Promise<void> {
		if (this.#tagging !== 'refused') {
			try {
				await this.#client.send(new PutObjectCommand({ ...input, Tagging: TAGGING }));
				this.#tagging = 'works';
				return;
			} catch (error) {
				// AccessDenied is also what AWS says to credentials that may put, but not tag.
				const maybeTheTag = isNotImplemented(error) || isS3Error(error, 'AccessDenied');
				if (this.#tagging === 'works' || !maybeTheTag) throw toS3AppError(error, input.Key);
			}
		}
		try {
			await this.#client.send(new PutObjectCommand(input));
		} catch (error) {
			throw toS3AppError(error, input.Key);
		}
		if (this.#tagging === 'untried') {
			this.#tagging = 'refused';
			this.#logger.warn(
				{ bucket: this.#options.bucket },
				'the object store refuses tags: objects stay until a rule for the whole bucket deletes them',
			);
		}
	}

	/** A stream is sent once and not again, so whether tags work must be known before. */
	async #putStream(target: PutObjectCommandInput, body: SizedStream): Promise<void> {
		if (this.#tagging === 'untried') await this.check();
		const chunks = Readable.from(chunksOf(body), { objectMode: false });
		const abort = new AbortController();
		let failure: Error | undefined;
		// The SDK pipes the body and does not look at its errors: the request would wait for its time limit.
		chunks.once('error', (error) => {
			failure = error;
			abort.abort();
		});
		try {
			await this.#client.send(
				new PutObjectCommand({
					...target,
					Body: chunks,
					ContentLength: body.contentLength,
					...(this.#tagging === 'works' ? { Tagging: TAGGING } : {}),
				}),
				{
					abortSignal: abort.signal,
					requestTimeout: Math.max(
						this.#options.requestTimeoutMs ?? DEFAULT_REQUEST_TIMEOUT_MS,
						body.contentLength / MIN_UPLOAD_BYTES_PER_MS,
					),
				},
			);
		} catch (error) {
			throw failure ?? toS3AppError(error, target.Key);
		} finally {
			chunks.destroy();
		}
	}

	async #deleteAll(keys: readonly string[]): Promise<void> {
		const queue = keys.values();
		const lanes = Array.from({ length: DELETE_CONCURRENCY }, async () => {
			for (const Key of queue) {
				await this.#client.send(new DeleteObjectCommand({ Bucket: this.#options.bucket, Key }));
			}
		});
		await Promise.all(lanes).catch((error: unknown) => {
			throw toS3AppError(error);
		});
	}
}

/** The stream's chunks; a lost connection becomes `storage_unavailable`. */
async function* relabelled(stream: Readable): AsyncGenerator<Buffer> {
	try {
		yield* stream;
	} catch (error) {
		throw toS3AppError(error);
	}
}
