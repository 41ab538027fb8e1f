import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { finished, type Readable } from 'node:stream';
import { AppError } from '@facet/contracts';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { type ReceivedFile, receiveFile } from './receive-file.ts';

/** A parsed `multipart/form-data` body. Its owner calls `discard` when the file has gone where it should. */
export interface MultipartBody {
	readonly file: ReceivedFile;
	/** The other parts, as text. */
	readonly fields: Readonly<Record<string, string>>;
	/** Deletes the temporary file. */
	discard(): Promise<void>;
}

export interface MultipartOptions {
	/** Largest file, in bytes. */
	readonly maxBytes: number;
	/** Where the temporary file goes. */
	readonly directory: string;
	/** Ends the reading with its reason. */
	readonly signal?: AbortSignal;
}

const FILE_PART = 'file';
/** Far more than there are options; a webhook's URL is the longest of them. */
const MAX_FIELDS = 64;
const MAX_FIELD_BYTES = 16_384;
/** What the parts' headers and the fields may add to the file. */
const MAX_OVERHEAD_BYTES = (MAX_FIELDS + 1) * (MAX_FIELD_BYTES + 1024);
/** A client that sends nothing for this long is cut off: its connection and its temporary file are worth more. */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * Reads a `multipart/form-data` body: one file, in the part `file`, and other parts as text. The file is streamed to the
 * disk and hashed on the way. When it fails no file is left, and what is left of the body is still unread.
 *
 * @throws AppError `body_too_large`; `invalid_request` for a malformed body, one without a file, with two, or with a
 * part that is too long or there twice, and when the client goes away; `storage_unavailable` when the disk refuses; the
 * signal's reason.
 */
export async function readMultipart(
	request: IncomingMessage,
	{ maxBytes, directory, signal }: MultipartOptions,
): Promise<MultipartBody> {
	signal?.throwIfAborted();
	if (Number(request.headers['content-length'] ?? 0) > maxBytes + MAX_OVERHEAD_BYTES)
		throw tooLarge(maxBytes);
	const parser = createParser(request, maxBytes);
	const path = join(directory, randomUUID());
	const discard = () => rm(path, { force: true });
	const fields = new Map<string, string>();
	const stop = new AbortController();
	let receiving: Promise<ReceivedFile> | undefined;
	const onFile = (stream: Readable, filename: string | undefined) => {
		receiving = receiveFile(stream, { path, filename, signal: stop.signal });
		return receiving;
	};
	request.setTimeout(IDLE_TIMEOUT_MS);
	try {
		await parse(request, parser, { maxBytes, fields, onFile, signal });
		const file = await receiving;
		if (file === undefined) throw wrong(`${FILE_PART}: expected a part with a file, received none`);
		if (file.bytes === 0) throw wrong(`${FILE_PART}: expected a file, received an empty one`);
		return { file, fields: Object.fromEntries(fields), discard };
	} catch (error) {
		stop.abort();
		await receiving?.catch(() => {});
		await discard();
		throw error;
	} finally {
		request.setTimeout(0);
	}
}

interface Parts {
	readonly maxBytes: number;
	/** Takes the fields up. */
	readonly fields: Map<string, string>;
	/** Consumes the file; its failure is the body's. */
	readonly onFile: (stream: Readable, filename: string | undefined) => Promise<unknown>;
	readonly signal: AbortSignal | undefined;
}

/** Resolves when the body was parsed to its end; rejects, and leaves the rest unread, at the first fault. */
async function parse(
	request: IncomingMessage,
	parser: BusboyInstance,
	{ maxBytes, fields, onFile, signal }: Parts,
): Promise<void> {
	let forget = () => {};
	try {
		await new Promise<void>((resolve, reject) => {
			parser.on('file', (name, stream, filename) => {
				if (name !== FILE_PART) {
					stream.on('error', () => {}).resume();
					return reject(wrong(`${shown(name)}: expected no file but the part "${FILE_PART}"`));
				}
				stream.once('limit', () => reject(tooLarge(maxBytes)));
				onFile(stream, filename).catch(reject);
			});
			parser.on('field', (name, value, _nameTruncated, valueTruncated) => {
				if (valueTruncated) reject(wrong(`${shown(name)}: expected at most ${MAX_FIELD_BYTES} bytes`));
				else if (fields.has(name)) reject(wrong(`${shown(name)}: expected once, received twice`));
				else fields.set(name, value);
			});
			parser.once('filesLimit', () => reject(wrong(`${FILE_PART}: expected one file, received several`)));
			parser.once('fieldsLimit', () => reject(wrong(`body: expected at most ${MAX_FIELDS} fields`)));
			parser.on('error', (error) => reject(wrong('body: malformed multipart/form-data', error)));
			parser.once('finish', resolve);
			const stopWatching = finished(request, { writable: false }, (error) => {
				if (error) reject(wrong('body: it ended early', error));
			});
			const onAbort = () => reject(signal?.reason);
			signal?.addEventListener('abort', onAbort, { once: true });
			forget = () => {
				stopWatching();
				signal?.removeEventListener('abort', onAbort);
			};
			request.pipe(parser);
		});
	} finally {
		forget();
		request.unpipe(parser);
	}
	// The end of the body may be in before the end of the stream was read.
	request.resume();
}

function createParser({ headers }: IncomingMessage, maxBytes: number): BusboyInstance {
	const contentType = headers['content-type'] ?? 'none';
	if (!/^multipart\/form-data\s*;/i.test(contentType)) {
		throw wrong(
			`Content-Type: expected multipart/form-data with a boundary, received ${contentType.slice(0, 80)}`,
		);
	}
	if (headers['content-encoding'] !== undefined) {
		throw wrong('Content-Encoding: expected none for multipart/form-data');
	}
	try {
		return new Busboy({
			headers: { ...headers, 'content-type': contentType },
			// Some clients leave the name of the file out; some send text with one.
			isPartAFile: (name, _type, filename) => name === FILE_PART || filename !== undefined,
			limits: {
				files: 1,
				fileSize: maxBytes,
				fields: MAX_FIELDS,
				fieldSize: MAX_FIELD_BYTES,
				headerPairs: 32,
				headerSize: 8192,
			},
		});
	} catch (error) {
		throw wrong('Content-Type: expected multipart/form-data with a boundary', error);
	}
}

function wrong(detail: string, cause?: unknown): AppError {
	return new AppError('invalid_request', cause === undefined ? { detail } : { detail, cause });
}

function tooLarge(maxBytes: number): AppError {
	return new AppError('body_too_large', { detail: `${FILE_PART}: expected at most ${maxBytes} bytes` });
}

/** The parser has no name for a part without one, whatever its types say. */
function shown(name: string | undefined): string {
	return JSON.stringify((name ?? '').slice(0, 80));
}
