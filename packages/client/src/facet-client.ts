import { Batches } from './batches.ts';
import { Jobs, withSignal } from './jobs.ts';
import { dataOf, Transport } from './transport.ts';
import type { CallOptions, Delivery, DetectFacesAnswer, DetectFacesRequest } from './types.ts';
import { Uploads } from './uploads.ts';

export interface FacetClientOptions {
	/** Where the service is: `https://facet.example.com`. */
	readonly baseUrl: string;
	/** None for a service that takes requests without. */
	readonly apiKey?: string;
	/** The global one by default. */
	readonly fetch?: (request: Request) => Promise<Response>;
	/**
	 * Further attempts at a request when the service answers 429 or 503 with `Retry-After`, which is waited for, and when
	 * the connection breaks; 3 by default.
	 */
	readonly maxRetries?: number;
}

/** A Facet service. */
export class FacetClient {
	readonly jobs: Jobs;
	readonly batches: Batches;
	readonly uploads: Uploads;
	readonly webhooks: Webhooks;
	readonly #transport: Transport;

	constructor({ baseUrl, apiKey, fetch = globalThis.fetch, maxRetries = 3 }: FacetClientOptions) {
		this.#transport = new Transport({ baseUrl, apiKey, fetch: (request) => fetch(request), maxRetries });
		this.jobs = new Jobs(this.#transport);
		this.batches = new Batches(this.#transport);
		this.uploads = new Uploads(this.#transport);
		this.webhooks = new Webhooks(this.#transport);
	}

	/**
	 * `POST /detect_faces`: the documented call, which waits for the faces.
	 *
	 * @param options - `waitSeconds`: give up sooner than the service does.
	 * @throws FacetError; `wait_timeout` when the wait is over and the job runs on. The identical call then waits for the
	 * same job.
	 */
	async detectFaces(
		request: DetectFacesRequest,
		{ waitSeconds, signal }: CallOptions & { readonly waitSeconds?: number } = {},
	): Promise<DetectFacesAnswer> {
		const call = this.#transport.api.POST('/detect_faces', {
			body: request,
			...(waitSeconds !== undefined && { headers: { prefer: `wait=${waitSeconds}` } }),
			...withSignal(signal),
		});
		// 202 is for those who ask for it by `Prefer: respond-async`; these make jobs.
		return (await dataOf<'detectFaces'>(call)) as DetectFacesAnswer;
	}
}

/** Calls on webhooks; `verifyWebhook` is for those who receive them. */
class Webhooks {
	readonly #transport: Transport;

	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/** Sends a signed test event, and answers what came of it. @throws FacetError */
	async test(url: string, { signal }: CallOptions = {}): Promise<Delivery> {
		return dataOf<'testWebhook'>(
			this.#transport.api.POST('/v1/webhooks/test', { body: { url }, ...withSignal(signal) }),
		);
	}

	/** Sends a webhook again, under the same id. @throws FacetError */
	async replay(id: string, { signal }: CallOptions = {}): Promise<Delivery> {
		const params = { path: { id } };
		return dataOf<'replayDelivery'>(
			this.#transport.api.POST('/v1/deliveries/{id}/replay', { params, ...withSignal(signal) }),
		);
	}
}
