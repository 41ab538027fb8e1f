import { randomUUID } from 'node:crypto';
import type { Stats } from 'node:fs';
import { type FileHandle, lstat, mkdir, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { AppError } from '@facet/contracts';
import { checkContentType, contentTypeOf } from './content-type.ts';
import { hasErrorCode, toReadError, toWriteError } from './file-errors.ts';
import { checkObjectKey, checkObjectPrefix } from './object-key.ts';
import type { ObjectHead, ObjectStore, PutOptions, UrlOptions } from './object-store.ts';
import { type LinkVerdict, type PresentedLink, signLink, verifyLink } from './signed-link.ts';
import { signUpload, type UploadVerdict, verifyUpload } from './signed-upload.ts';
import { checkSigningKey, loadSigningKey } from './signing-key.ts';
import { chunksOf, toSizedBody } from './sized-body.ts';
import { sweepDirectory } from './sweep-directory.ts';
import { checkUpload, type UploadLink, type UploadUrlOptions } from './upload-link.ts';

export interface FilesystemStoreOptions {
	/** Directory of the objects; made when missing. Processes that share it share the objects and the signing key. */
	readonly directory: string;
	/** Base of the links, without `/files`: where clients reach the API. */
	readonly publicBaseUrl: string;
	/** Secret of at least 32 characters that signs the links; by default one is made and kept in the directory. */
	readonly signingKey?: string;
	/** Life of a link in seconds. */
	readonly linkTtlSeconds: number;
	/** `Cache-Control` of served objects; default `private, max-age=86400, immutable`. */
	readonly cacheControl?: string;
}

/** An open file and what there is to say about it. The caller closes the handle. */
export interface StoredFile {
	readonly handle: FileHandle;
	readonly contentType: string;
	readonly cacheControl: string;
	/** Bytes. */
	readonly contentLength: number;
	/** A strong validator, with its quotes. */
	readonly etag: string;
}

const TEMPORARY_DIRECTORY = '.tmp';
/** A put takes seconds; a temporary file of an hour belongs to a process that died. */
const STALE_TEMPORARY_SECONDS = 3600;
/** Times that a put tries to rename its file into a folder that is missing, or that a sweep removes, still empty, before. */
const RENAME_ATTEMPTS = 6;
/** More than there are jobs whose crops come at the same time. */
const REMEMBERED_FOLDERS = 64;

/** Objects as files below one directory, for a single machine or a shared volume. Links lead to the API. */
export class FilesystemStore implements ObjectStore {
	readonly #directory: string;
	readonly #temporaryDirectory: string;
	readonly #publicBaseUrl: string;
	readonly #signingKey: string;
	readonly #linkTtlSeconds: number;
	readonly #cacheControl: string;
	/** Folders that were made lately, by path. A sweep, or who deletes a job, may have removed them since. */
	readonly #folders = new Map<string, Promise<unknown>>();

	private constructor(options: FilesystemStoreOptions, signingKey: string) {
		this.#directory = resolve(options.directory);
		this.#temporaryDirectory = join(this.#directory, TEMPORARY_DIRECTORY);
		this.#publicBaseUrl = options.publicBaseUrl.replace(/\/+$/, '');
		this.#signingKey = signingKey;
		this.#linkTtlSeconds = options.linkTtlSeconds;
		this.#cacheControl = options.cacheControl ?? 'private, max-age=86400, immutable';
	}

	/**
	 * Makes the directory and the signing key when they are missing, and deletes what dead processes left half-written.
	 *
	 * @throws AppError `storage_unavailable`; RangeError for a signing key that is too short.
	 */
	static async open(options: FilesystemStoreOptions): Promise<FilesystemStore> {
		const directory = resolve(options.directory);
		const temporary = join(directory, TEMPORARY_DIRECTORY);
		try {
			await mkdir(temporary, { recursive: true });
			await sweepDirectory(temporary, Date.now() - STALE_TEMPORARY_SECONDS * 1000);
		} catch (error) {
			throw new AppError('storage_unavailable', { cause: error });
		}
		const signingKey =
			options.signingKey === undefined
				? await loadSigningKey(directory, temporary)
				: checkSigningKey(options.signingKey, 'the signing key');
		return new FilesystemStore(options, signingKey);
	}

	async put(key: string, body: Uint8Array | Readable, options: PutOptions): Promise<void> {
		const sized = toSizedBody(body, options);
		try {
			checkContentType(checkObjectKey(key), options.contentType);
			await this.#replace(key, sized instanceof Uint8Array ? sized : chunksOf(sized));
		} finally {
			if (!(sized instanceof Uint8Array)) sized.stream.destroy();
		}
	}

	/**
	 * Stores what comes over an upload link, in place of what was there. When the chunks fail the promise rejects with
	 * their error, and nothing is stored.
	 */
	async receive(key: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
		await this.#replace(checkObjectKey(key), chunks);
	}

	async get(key: string): Promise<Readable> {
		const { handle } = await this.open(key);
		return handle.createReadStream();
	}

	async head(key: string): Promise<ObjectHead> {
		checkObjectKey(key);
		try {
			const stats = await stat(this.#path(key));
			if (!stats.isFile()) throw new AppError('not_found', { detail: `no object ${key}` });
			return { contentLength: stats.size, etag: etagOf(stats) };
		} catch (error) {
			throw toReadError(error, key);
		}
	}

	/**
	 * Opens an object for the one who serves it.
	 *
	 * @throws AppError `not_found`.
	 */
	async open(key: string): Promise<StoredFile> {
		checkObjectKey(key);
		let handle: FileHandle | undefined;
		try {
			handle = await open(this.#path(key), 'r');
			const stats = await handle.stat();
			if (!stats.isFile()) throw new AppError('not_found', { detail: `no object ${key}` });
			return {
				handle,
				contentType: contentTypeOf(key),
				cacheControl: this.#cacheControl,
				contentLength: stats.size,
				etag: etagOf(stats),
			};
		} catch (error) {
			await handle?.close();
			throw toReadError(error, key);
		}
	}

	async delete(key: string): Promise<void> {
		checkObjectKey(key);
		try {
			// Not rm: it would say nothing about a folder of other objects that goes by this key.
			await unlink(this.#path(key));
		} catch (error) {
			// Linux names a folder EISDIR, macOS EPERM; an object of that key does not exist on either.
			if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')) throw toWriteError(error, key);
		}
	}

	async deletePrefix(prefix: string): Promise<void> {
		const folder = checkObjectPrefix(prefix);
		const path = this.#path(folder);
		try {
			// An object that goes by the folder's name is not below it.
			if (!(await lstat(path)).isDirectory()) return;
			await rm(path, { recursive: true, force: true, maxRetries: 3 });
		} catch (error) {
			if (!hasErrorCode(error, 'ENOENT', 'ENOTDIR')) throw toWriteError(error, folder);
		}
	}

	async url(key: string, options: UrlOptions = {}): Promise<string> {
		checkObjectKey(key);
		const expires = nowSeconds() + (options.expiresInSeconds ?? this.#linkTtlSeconds);
		const signature = signLink(this.#signingKey, { key, expires });
		return `${this.#publicBaseUrl}/files/${key}?expires=${expires}&signature=${signature}`;
	}

	async uploadUrl(key: string, options: UploadUrlOptions): Promise<UploadLink> {
		checkObjectKey(key);
		checkUpload(options);
		const { expiresInSeconds, ...limits } = options;
		const query = signUpload(this.#signingKey, { key, expires: nowSeconds() + expiresInSeconds, ...limits });
		return {
			method: 'PUT',
			url: `${this.#publicBaseUrl}/files/${key}?${query}`,
			headers: { 'Content-Type': options.contentType },
		};
	}

	/** Judges an upload link that a client presents, by its query. */
	verifyUpload(key: string, query: URLSearchParams): UploadVerdict {
		return verifyUpload(this.#signingKey, key, query, nowSeconds());
	}

	/** Judges a link that a client presents. */
	verify(link: PresentedLink): LinkVerdict {
		return verifyLink(this.#signingKey, link, nowSeconds());
	}

	async check(): Promise<void> {
		try {
			const path = await this.#writeTemporary(Buffer.from('facet'));
			await unlink(path);
		} catch (error) {
			throw toWriteError(error, 'of the readiness check');
		}
	}

	/**
	 * Deletes the objects that were written more than this many seconds ago, and empty folders. Run it from time to time;
	 * several processes may do so at once.
	 *
	 * @returns the number of objects deleted.
	 * @throws AppError `storage_unavailable`.
	 */
	async sweep(olderThanSeconds: number): Promise<number> {
		try {
			await sweepDirectory(this.#temporaryDirectory, Date.now() - STALE_TEMPORARY_SECONDS * 1000);
			return await sweepDirectory(this.#directory, Date.now() - olderThanSeconds * 1000);
		} catch (error) {
			throw new AppError('storage_unavailable', { cause: error });
		}
	}

	async close(): Promise<void> {
		// Nothing is held between calls.
	}

	/**
	 * Writes beside the objects and renames: a rename within a file system replaces as one step, so no reader sees half an
	 * object. There is no fsync: it would guard against a loss of power only, at the price of a flush of the disk for
	 * every crop, and a job can be run again.
	 */
	async #replace(key: string, body: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
		const target = this.#path(key);
		const temporary = await this.#writeTemporary(body);
		try {
			for (let attempt = 1; ; attempt += 1) {
				await this.#makeFolder(dirname(target));
				try {
					return await rename(temporary, target);
				} catch (error) {
					if (!hasErrorCode(error, 'ENOENT') || attempt === RENAME_ATTEMPTS) throw error;
					this.#folders.delete(dirname(target));
				}
			}
		} catch (error) {
			await unlink(temporary).catch(() => {});
			throw toWriteError(error, key);
		}
	}

	/** Makes a folder once for all crops of a job, which come together. */
	async #makeFolder(path: string): Promise<void> {
		let made = this.#folders.get(path);
		if (made === undefined) {
			made = mkdir(path, { recursive: true });
			this.#folders.set(path, made);
			const [oldest] = this.#folders.keys();
			if (this.#folders.size > REMEMBERED_FOLDERS && oldest !== undefined) this.#folders.delete(oldest);
		}
		try {
			await made;
		} catch (error) {
			this.#folders.delete(path);
			throw error;
		}
	}

	/**
	 * The temporary directory is made at start-up only: when it is missing, the volume is, and making it anew would fill
	 * the disk below the mount point instead.
	 */
	async #writeTemporary(body: Uint8Array | AsyncIterable<Uint8Array>): Promise<string> {
		const path = join(this.#temporaryDirectory, randomUUID());
		const handle = await unavailable(open(path, 'wx'));
		try {
			if (body instanceof Uint8Array) await unavailable(handle.writeFile(body));
			// The stream's own failure passes as it is; only the disk's becomes `storage_unavailable`.
			else for await (const chunk of body) await unavailable(handle.writeFile(chunk));
			await unavailable(handle.close());
			return path;
		} catch (error) {
			await handle.close().catch(() => {});
			await unlink(path).catch(() => {});
			throw error;
		}
	}

	#path(key: string): string {
		return join(this.#directory, key);
	}
}

async function unavailable<T>(operation: Promise<T>): Promise<T> {
	try {
		return await operation;
	} catch (error) {
		throw new AppError('storage_unavailable', { cause: error });
	}
}

function etagOf({ ino, size, mtimeMs }: Stats): string {
	return `"${[ino, size, Math.trunc(mtimeMs)].map((part) => part.toString(36)).join('-')}"`;
}

function nowSeconds(): number {
	return Math.floor(Date.now() / 1000);
}
