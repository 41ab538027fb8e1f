import { FacetError } from './facet-error.ts';
import { delay } from './retrying-fetch.ts';
import { serverSentEvents } from './server-sent-events.ts';
import { dataOf, doneOf, type Transport } from './transport.ts';
import type {
	CallOptions,
	Delivery,
	Job,
	JobEvent,
	JobFields,
	JobList,
	JobListQuery,
	JobRequest,
	JobStatus,
} from './types.ts';

export interface CreateJobOptions extends CallOptions {
	/** Makes the call safe to repeat for 24 hours; a random one by default, which makes its retries safe. */
	readonly idempotencyKey?: string;
	/** Wait so many seconds for the end, 60 at most; the job may still be unfinished then. */
	readonly waitSeconds?: number;
	/** End the job as expired when it has not ended by then: 5 seconds to 24 hours. */
	readonly cancelAfterSeconds?: number;
}

/** A file in place of a URL. */
export interface JobFile extends JobFields {
	readonly file: Blob;
}

/** As long as the service waits at most, and as common proxies let an answer wait. */
const WAIT_SECONDS = 30;
const RECONNECT_MS = 1000;

function hasEnded(status: JobStatus): boolean {
	return status !== 'queued' && status !== 'processing';
}

/** `/v1/jobs`. Every call throws `FacetError` for an answer that is an error. */
export class Jobs {
	readonly #transport: Transport;

	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/** Submits a photo or a video: by its URL, in base64, by the id of an upload, or as a file. */
	async create(request: JobRequest | JobFile, options: CreateJobOptions = {}): Promise<Job> {
		const { signal } = options;
		const headers = headersOf(options);
		if ('file' in request) {
			const response = await this.#transport.send('/v1/jobs', {
				method: 'POST',
				headers,
				body: formOf(request),
				signal,
			});
			// The answer of a call that the document describes.
			return (await response.json()) as Job;
		}
		const call = this.#transport.api.POST('/v1/jobs', { body: request, headers, ...withSignal(signal) });
		return dataOf<'createJob'>(call);
	}

	/** @param options - `waitSeconds`: wait so long for the end, 60 at most. */
	async get(id: string, options: CallOptions & { readonly waitSeconds?: number } = {}): Promise<Job> {
		const { waitSeconds: wait, signal } = options;
		const params = { path: { id }, query: wait === undefined ? {} : { wait } };
		return dataOf<'getJob'>(this.#transport.api.GET('/v1/jobs/{id}', { params, ...withSignal(signal) }));
	}

	/** A page of jobs, newest first; `next_cursor` asks for the next. */
	async list(query: JobListQuery = {}, { signal }: CallOptions = {}): Promise<JobList> {
		return dataOf<'listJobs'>(
			this.#transport.api.GET('/v1/jobs', { params: { query }, ...withSignal(signal) }),
		);
	}

	/** Waits until the job has ended, however long it takes: `signal: AbortSignal.timeout(…)` limits it. */
	async wait(id: string, { signal }: CallOptions = {}): Promise<Job> {
		for (;;) {
			const job = await this.get(id, { waitSeconds: WAIT_SECONDS, signal });
			if (hasEnded(job.status)) return job;
		}
	}

	/** Cancels a job; one that was canceled before stays so. @throws FacetError `conflict` when it has ended otherwise. */
	async cancel(id: string, { signal }: CallOptions = {}): Promise<Job> {
		const params = { path: { id } };
		return dataOf<'cancelJob'>(
			this.#transport.api.POST('/v1/jobs/{id}/cancel', { params, ...withSignal(signal) }),
		);
	}

	/** Erases a job, its result and its crops. */
	async delete(id: string, { signal }: CallOptions = {}): Promise<void> {
		const params = { path: { id } };
		return doneOf(this.#transport.api.DELETE('/v1/jobs/{id}', { params, ...withSignal(signal) }));
	}

	/**
	 * Follows a job to its end. A connection that breaks is made again, and goes on behind the last event.
	 *
	 * @param options - `lastEventId`: go on behind this event rather than begin with the present state.
	 */
	async *events(
		id: string,
		options: CallOptions & { readonly lastEventId?: string } = {},
	): AsyncGenerator<JobEvent, void> {
		let lastEventId = options.lastEventId;
		for (;;) {
			try {
				for await (const event of this.#connect(id, lastEventId, options)) {
					lastEventId = event.id;
					yield event;
					if (event.type === 'status' && hasEnded(event.data.status)) return;
				}
				// It has ended, and the last event that is known was the last there is.
				if (lastEventId !== undefined && hasEnded((await this.get(id, options)).status)) return;
			} catch (error) {
				options.signal?.throwIfAborted();
				if (error instanceof FacetError) throw error;
			}
			await delay(RECONNECT_MS, options.signal);
		}
	}

	/** What has become of the webhook of a job. */
	async deliveries(id: string, { signal }: CallOptions = {}): Promise<Delivery[]> {
		const params = { path: { id } };
		const call = this.#transport.api.GET('/v1/jobs/{id}/deliveries', { params, ...withSignal(signal) });
		return (await dataOf<'jobDeliveries'>(call)).data;
	}

	async *#connect(
		id: string,
		lastEventId: string | undefined,
		{ signal }: CallOptions,
	): AsyncGenerator<JobEvent, void> {
		const response = await this.#transport.send(`/v1/jobs/${encodeURIComponent(id)}/events`, {
			method: 'GET',
			headers: {
				accept: 'text/event-stream',
				...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
			},
			signal,
		});
		if (response.body === null) return;
		for await (const { id: eventId, type, data } of serverSentEvents(response.body)) {
			// The document says what the data of each event are.
			if (type === 'status' || type === 'progress') yield { id: eventId, type, data: JSON.parse(data) };
		}
	}
}

function headersOf({
	idempotencyKey,
	waitSeconds,
	cancelAfterSeconds,
}: CreateJobOptions): Record<string, string> {
	return {
		'idempotency-key': idempotencyKey ?? crypto.randomUUID(),
		...(waitSeconds !== undefined && { prefer: `wait=${waitSeconds}` }),
		...(cancelAfterSeconds !== undefined && { 'cancel-after': String(cancelAfterSeconds) }),
	};
}

/** Text as it is, everything else as JSON; the file last, as servers that stream want it. */
function formOf({ file, ...fields }: JobFile): FormData {
	const form = new FormData();
	for (const [name, value] of Object.entries(fields)) {
		if (value !== undefined) form.set(name, typeof value === 'string' ? value : JSON.stringify(value));
	}
	form.set('file', file);
	return form;
}

export function withSignal(signal: AbortSignal | undefined): { signal?: AbortSignal } {
	return signal === undefined ? {} : { signal };
}
