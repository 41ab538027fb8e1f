import { FacetError } from './facet-error.ts';
import { withSignal } from './jobs.ts';
import { delay } from './retrying-fetch.ts';
import { textLines } from './text-lines.ts';
import { dataOf, doneOf, type Transport } from './transport.ts';
import type {
	Batch,
	BatchDefaults,
	BatchItem,
	BatchList,
	BatchListQuery,
	BatchResult,
	CallOptions,
	Delivery,
} from './types.ts';

export interface BatchRequest extends BatchDefaults {
	/** At most as many as the service takes (`MAX_BATCH_ITEMS`, 10,000 by default). */
	readonly items: readonly BatchItem[] | AsyncIterable<BatchItem>;
}

export interface CreateBatchOptions extends CallOptions {
	/** Makes the call safe to repeat for 24 hours; a random one by default, which makes its retries safe. */
	readonly idempotencyKey?: string;
}

export interface WaitForBatchOptions extends CallOptions {
	/** Between two looks; 2000 by default. A webhook costs less than many of these. */
	readonly intervalMs?: number;
}

export interface BatchResultsOptions extends CallOptions {
	/** `cursor` of the last line that was read. */
	readonly cursor?: string;
}

const LOOK_INTERVAL_MS = 2000;
const RESUME_MS = 1000;

/** `/v1/batches`. Every call throws `FacetError` for an answer that is an error. */
export class Batches {
	readonly #transport: Transport;

	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/**
	 * Submits many photos and videos. Items that come from an async iterable are sent as they come, which cannot be tried
	 * again when it fails midway.
	 *
	 * @throws FacetError whose `faults` name every faulty item by its line: the defaults are line 1, the items follow.
	 */
	async create(
		{ items, ...defaults }: BatchRequest,
		{ signal, idempotencyKey = crypto.randomUUID() }: CreateBatchOptions = {},
	): Promise<Batch> {
		const response = await this.#transport.send('/v1/batches', {
			method: 'POST',
			headers: { 'content-type': 'application/x-ndjson', 'idempotency-key': idempotencyKey },
			body: 'length' in items ? [{ defaults }, ...items].map(toLine).join('') : streamOf(defaults, items),
			signal,
		});
		// The answer of a call that the document describes.
		return (await response.json()) as Batch;
	}

	async get(id: string, { signal }: CallOptions = {}): Promise<Batch> {
		const params = { path: { id } };
		return dataOf<'getBatch'>(this.#transport.api.GET('/v1/batches/{id}', { params, ...withSignal(signal) }));
	}

	/** A page of batches, newest first; `next_cursor` asks for the next. */
	async list(query: BatchListQuery = {}, { signal }: CallOptions = {}): Promise<BatchList> {
		return dataOf<'listBatches'>(
			this.#transport.api.GET('/v1/batches', { params: { query }, ...withSignal(signal) }),
		);
	}

	/** Waits until every item has ended, however long it takes: `signal: AbortSignal.timeout(…)` limits it. */
	async wait(
		id: string,
		{ intervalMs = LOOK_INTERVAL_MS, signal }: WaitForBatchOptions = {},
	): Promise<Batch> {
		for (;;) {
			const batch = await this.get(id, { signal });
			if (batch.completed_at !== null) return batch;
			await delay(intervalMs, signal);
		}
	}

	/** The items in their order, each with its job. A connection that breaks is made again, behind the last line. */
	async *results(id: string, options: BatchResultsOptions = {}): AsyncGenerator<BatchResult, void> {
		const { total } = await this.get(id, options);
		let { cursor } = options;
		for (;;) {
			try {
				let index = -1;
				for await (const line of this.#readResults(id, cursor, options)) {
					({ cursor, index } = line);
					yield line;
				}
				if (index === -1 || index === total - 1) return;
			} catch (error) {
				options.signal?.throwIfAborted();
				if (error instanceof FacetError) throw error;
			}
			await delay(RESUME_MS, options.signal);
		}
	}

	/** Cancels what is unfinished; that takes a while. @throws FacetError `conflict` when the batch has completed. */
	async cancel(id: string, { signal }: CallOptions = {}): Promise<Batch> {
		const params = { path: { id } };
		return dataOf<'cancelBatch'>(
			this.#transport.api.POST('/v1/batches/{id}/cancel', { params, ...withSignal(signal) }),
		);
	}

	/** Erases a batch with its results and crops. */
	async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
		const params = { path: { id } };
		return doneOf(this.#transport.api.DELETE('/v1/batches/{id}', { params, ...withSignal(signal) }));
	}

	/** What has become of the webhook of a batch. */
	async deliveries(id: string, { signal }: CallOptions = {}): Promise<Delivery[]> {
		const params = { path: { id } };
		const call = this.#transport.api.GET('/v1/batches/{id}/deliveries', { params, ...withSignal(signal) });
		return (await dataOf<'batchDeliveries'>(call)).data;
	}

	async *#readResults(
		id: string,
		cursor: string | undefined,
		{ signal }: CallOptions,
	): AsyncGenerator<BatchResult, void> {
		const query = cursor === undefined ? '' : `?${new URLSearchParams({ cursor })}`;
		const path = `/v1/batches/${encodeURIComponent(id)}/results${query}`;
		const response = await this.#transport.send(path, { method: 'GET', signal });
		if (response.body === null) return;
		for await (const line of textLines(response.body)) yield JSON.parse(line);
	}
}

function streamOf(
	defaults: BatchDefaults,
	items: AsyncIterable<BatchItem>,
): ReadableStream<Uint8Array<ArrayBuffer>> {
	const encoder = new TextEncoder();
	const lines = async function* () {
		yield encoder.encode(toLine({ defaults }));
		for await (const item of items) yield encoder.encode(toLine(item));
	};
	const iterator = lines();
	return new ReadableStream({
		async pull(controller) {
			const { done, value } = await iterator.next();
			if (done) controller.close();
			else controller.enqueue(value);
		},
		async cancel() {
			await iterator.return(undefined);
		},
	});
}

function toLine(value: object): string {
	return `${JSON.stringify(value)}\n`;
}
