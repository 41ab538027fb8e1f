import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import {
	AppError,
	type BatchDefaults,
	type BatchEntry,
	batchDefaultsSchema,
	parseBatchItem,
	parseFields,
	type RequestedMedia,
	toWebhook,
	type WebhookTarget,
} from '@facet/contracts';
import { BatchFaults, type BatchPlace } from './batch-faults.ts';

export interface BatchWriterOptions {
	/** A new file; readable by this process's user only. */
	readonly path: string;
	readonly maxItems: number;
	/** @throws AppError for a webhook that cannot be. */
	readonly checkWebhook: (target: WebhookTarget) => void;
	/** Where a worker finds an upload; an AppError when there is none. */
	readonly findUpload: (uploadId: string) => Promise<{ readonly key: string }>;
}

/** A batch that was read to its end and has no fault. */
export interface WrittenBatch {
	readonly path: string;
	readonly bytes: number;
	/** Number of items. */
	readonly total: number;
	/** Hexadecimal digest of everything that was asked for. */
	readonly sha256: string;
	/** The default tag. */
	readonly tag: string | undefined;
	readonly webhook: WebhookTarget | undefined;
}

/** An item as it came, or why it cannot be read. */
type Submitted = ({ readonly item: unknown } | { readonly fault: AppError }) & { readonly place: BatchPlace };

/** Items that are checked side by side, and written at once. */
const CHUNK_ITEMS = 64;

/**
 * Checks the items of a batch as they come, and writes what workers need of each to a file, a line an item. No more than
 * a few of them are in memory.
 */
export class BatchWriter {
	readonly #options: BatchWriterOptions;
	readonly #file: FileHandle;
	readonly #digest = createHash('sha256');
	readonly #faults = new BatchFaults();
	#defaults: BatchDefaults = {};
	#webhook: WebhookTarget | undefined;
	#chunk: Submitted[] = [];
	#total = 0;
	#bytes = 0;

	private constructor(options: BatchWriterOptions, file: FileHandle) {
		this.#options = options;
		this.#file = file;
	}

	/** @throws AppError `storage_unavailable`. */
	static async open(options: BatchWriterOptions): Promise<BatchWriter> {
		return new BatchWriter(options, await onDisk(open(options.path, 'wx', 0o600)));
	}

	/** Takes the defaults of the items; before the first item. */
	setDefaults(value: unknown, place: BatchPlace): void {
		try {
			const { webhook_url, webhook_events, ...defaults } = parseFields(batchDefaultsSchema, value);
			this.#defaults = defaults;
			this.#webhook = toWebhook({ webhook_url, webhook_events });
			if (this.#webhook) this.#options.checkWebhook(this.#webhook);
		} catch (error) {
			this.#faults.add(error, place);
		}
	}

	/**
	 * Takes one item; what is wrong with it goes to the faults.
	 *
	 * @throws AppError `body_too_large` when it is one too many, `storage_unavailable`.
	 */
	async add(item: unknown, place: BatchPlace): Promise<void> {
		await this.#take({ item, place });
	}

	/**
	 * Takes an item that cannot even be read; it counts.
	 *
	 * @param fault - what is wrong with it.
	 * @throws AppError as `add`.
	 */
	async refuse(fault: AppError, place: BatchPlace): Promise<void> {
		await this.#take({ fault, place });
	}

	/** @throws AppError `invalid_request` with every fault, `storage_unavailable`. */
	async finish(): Promise<WrittenBatch> {
		await this.#flush();
		this.#faults.throwIfAny();
		if (this.#total === 0) {
			throw new AppError('invalid_request', { detail: 'items: expected at least one, received none' });
		}
		this.#digest.update(JSON.stringify([this.#defaults.tag, this.#webhook]));
		return {
			path: this.#options.path,
			bytes: this.#bytes,
			total: this.#total,
			sha256: this.#digest.digest('hex'),
			tag: this.#defaults.tag,
			webhook: this.#webhook,
		};
	}

	/** Closes the file. */
	async close(): Promise<void> {
		await this.#file.close();
	}

	async #take(submitted: Submitted): Promise<void> {
		const { maxItems } = this.#options;
		if (this.#total === maxItems) {
			throw new AppError('body_too_large', { detail: `expected at most ${maxItems} items` });
		}
		this.#total += 1;
		this.#chunk.push(submitted);
		if (this.#chunk.length >= CHUNK_ITEMS) await this.#flush();
	}

	async #flush(): Promise<void> {
		const chunk = this.#chunk;
		this.#chunk = [];
		// Uploads are looked up side by side; faults are taken down in the order of the items.
		const checks = await Promise.allSettled(chunk.map((submitted) => this.#check(submitted)));
		const lines: string[] = [];
		for (const [index, { place }] of chunk.entries()) {
			const check = checks[index];
			if (check?.status === 'fulfilled') lines.push(`${JSON.stringify(check.value)}\n`);
			else this.#faults.add(check?.reason, place);
		}
		// The file of a refused batch goes unread.
		if (this.#faults.any || lines.length === 0) return;
		const bytes = Buffer.from(lines.join(''));
		this.#digest.update(bytes);
		this.#bytes += bytes.length;
		await onDisk(this.#file.appendFile(bytes));
	}

	async #check(submitted: Submitted): Promise<BatchEntry> {
		if ('fault' in submitted) throw submitted.fault;
		return this.#toEntry(submitted.item);
	}

	async #toEntry(item: unknown): Promise<BatchEntry> {
		const { media, options, include, tag } = parseBatchItem(item, this.#defaults);
		return {
			source: await this.#toSource(media),
			options,
			...(tag !== undefined && { tag }),
			...(include.length > 0 && { include: [...include] }),
		};
	}

	async #toSource(media: RequestedMedia): Promise<BatchEntry['source']> {
		switch (media.kind) {
			case 'url':
				return media;
			case 'upload': {
				const { key } = await this.#options.findUpload(media.uploadId);
				return { kind: 'object', key, keep: true };
			}
			case 'inline':
				throw new AppError('invalid_request', { detail: 'img: expected a url or an upload_id in batches' });
		}
	}
}

/** The file's own errors name a system call. */
async function onDisk<T>(access: Promise<T>): Promise<T> {
	return access.catch((error: unknown) => {
		throw new AppError('storage_unavailable', { cause: error });
	});
}
