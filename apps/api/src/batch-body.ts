import type { IncomingMessage } from 'node:http';
import { AppError, ndjsonLines } from '@facet/contracts';
import type { BatchWriter } from './batch-writer.ts';

/** Of one item; the longest URL is an eighth of it. */
const MAX_LINE_BYTES = 65_536;
/** A client that sends nothing for this long is cut off: its connection and its temporary file are worth more. */
const IDLE_TIMEOUT_MS = 60_000;

/**
 * Hands the batch of a parsed JSON body to the writer.
 *
 * @throws AppError `invalid_request` for a body that is no batch; as `BatchWriter.add`.
 */
export async function readJsonBatch(body: unknown, writer: BatchWriter): Promise<void> {
	if (!isObject(body)) throw wrong('body: expected a JSON object');
	const { items, ...defaults } = body;
	if (!Array.isArray(items)) throw wrong('items: expected an array');
	writer.setDefaults(defaults, { pointer: '' });
	for (const [index, item] of items.entries()) await writer.add(item, { pointer: `/items/${index}` });
}

/**
 * Hands the batch of an NDJSON body to the writer, line by line as they come. The first line may be `{"defaults": …}`;
 * blank lines count, and say nothing. When it fails the rest of the body is still unread.
 *
 * @throws AppError `body_too_large`; `invalid_request` when the body ends early; as `BatchWriter.add`.
 */
export async function readNdjsonBatch(
	request: IncomingMessage,
	writer: BatchWriter,
	maxItems: number,
): Promise<void> {
	if (request.headers['content-encoding'] !== undefined) {
		throw wrong('Content-Encoding: expected none for NDJSON');
	}
	request.setTimeout(IDLE_TIMEOUT_MS);
	let isFirst = true;
	try {
		for await (const { number: line, bytes } of ndjsonLines(chunksOf(request, maxItems), MAX_LINE_BYTES)) {
			const value = readLine(bytes);
			if (value === undefined) continue;
			if (value instanceof AppError) await writer.refuse(value, { line });
			else if (isFirst && isDefaults(value)) writer.setDefaults(value.defaults, { line });
			else await writer.add(value, { line });
			isFirst = false;
		}
	} catch (error) {
		if (request.errored) throw wrong('body: it ended early', error);
		throw error;
	} finally {
		request.setTimeout(0);
	}
}

async function* chunksOf(request: IncomingMessage, maxItems: number): AsyncGenerator<Uint8Array, void> {
	const maxBytes = (maxItems + 1) * MAX_LINE_BYTES;
	let bytes = 0;
	// Whoever stops reading wants to answer: the connection stays.
	for await (const chunk of request.iterator({ destroyOnReturn: false })) {
		bytes += chunk.length;
		if (bytes > maxBytes) {
			throw new AppError('body_too_large', { detail: `body: expected at most ${maxBytes} bytes` });
		}
		yield chunk;
	}
}

/** @returns the line's JSON; undefined when it is blank, an AppError when it is a fault. */
function readLine(bytes: Uint8Array | undefined): unknown {
	try {
		if (bytes === undefined) throw wrong(`expected at most ${MAX_LINE_BYTES} bytes, received a longer line`);
		const text = decode(bytes).trim();
		return text === '' ? undefined : parse(text);
	} catch (error) {
		return AppError.from(error);
	}
}

function isDefaults(value: unknown): value is { defaults: unknown } {
	return isObject(value) && 'defaults' in value && Object.keys(value).length === 1;
}

function decode(bytes: Uint8Array): string {
	try {
		return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
	} catch (error) {
		throw wrong('expected UTF-8', error);
	}
}

function parse(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch (error) {
		throw wrong('expected JSON', error);
	}
}

function isObject(value: unknown): value is Record<string, unknown> {
	return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function wrong(detail: string, cause?: unknown): AppError {
	return new AppError('invalid_request', cause === undefined ? { detail } : { detail, cause });
}
