import createClient, { type Client } from 'openapi-fetch';
import { FacetError } from './facet-error.ts';
import { type Fetch, retryingFetch } from './retrying-fetch.ts';
import type { operations, paths } from './schema.ts';

export interface TransportOptions {
	readonly baseUrl: string;
	readonly apiKey?: string | undefined;
	readonly fetch: Fetch;
	readonly maxRetries: number;
}

export interface RawRequest {
	readonly method: 'GET' | 'POST' | 'PUT';
	readonly headers?: Readonly<Record<string, string>>;
	readonly body?: NonNullable<RequestInit['body']>;
	readonly signal?: AbortSignal | undefined;
}

/** What a call of the typed client gives. */
interface TypedAnswer {
	readonly data?: unknown;
	readonly error?: unknown;
	readonly response: Response;
}

/** The JSON that an operation answers when it succeeds. */
export type AnswerOf<Name extends keyof operations> = {
	[Status in keyof operations[Name]['responses'] & (200 | 201 | 202)]: JsonIn<
		operations[Name]['responses'][Status]
	>;
}[keyof operations[Name]['responses'] & (200 | 201 | 202)];

type JsonIn<Response> = Response extends { content: { 'application/json': infer Json } } ? Json : never;

/** How requests get to the service and answers back: the key, retries, errors as `FacetError`. */
export class Transport {
	/** Calls that answer JSON, typed by the document. */
	readonly api: Client<paths>;
	readonly #options: TransportOptions;
	readonly #retrying: Fetch;

	constructor(options: TransportOptions) {
		const baseUrl = options.baseUrl.replace(/\/+$/, '');
		this.#options = { ...options, baseUrl };
		this.#retrying = retryingFetch(options.fetch, options);
		this.api = createClient<paths>({
			baseUrl,
			fetch: this.#retrying,
			headers: this.#authorization,
		});
	}

	/** Whatever is no JSON, or whose body is. @throws FacetError */
	async send(path: string, { headers, ...init }: RawRequest): Promise<Response> {
		const isStream = init.body instanceof ReadableStream;
		const request = new Request(`${this.#options.baseUrl}${path}`, {
			...definedOf(init),
			headers: { ...this.#authorization, ...headers },
			...(isStream && { duplex: 'half' }),
		});
		// A stream that was sent in part cannot be sent again.
		const response = await (isStream ? this.#options.fetch : this.#retrying)(request);
		if (!response.ok) throw FacetError.of(response, await bodyOf(response));
		return response;
	}

	/** A request to another place, without our key: a signed link. @throws FacetError */
	async sendTo(url: string, init: RawRequest): Promise<Response> {
		const isStream = init.body instanceof ReadableStream;
		const request = new Request(url, { ...definedOf(init), ...(isStream && { duplex: 'half' }) });
		const response = await (isStream ? this.#options.fetch : this.#retrying)(request);
		if (!response.ok) throw FacetError.of(response, await bodyOf(response));
		return response;
	}

	get #authorization(): Record<string, string> {
		const { apiKey } = this.#options;
		return apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
	}
}

/**
 * The data of a typed call, under the name that the document has for the operation: the call's own type forgets how long
 * tuples are.
 *
 * @throws FacetError
 */
export async function dataOf<Name extends keyof operations>(
	call: Promise<TypedAnswer>,
): Promise<AnswerOf<Name>> {
	const { data, error, response } = await call;
	if (data === undefined || !response.ok) throw FacetError.of(response, error);
	return data as AnswerOf<Name>;
}

/** For calls that answer nothing. @throws FacetError */
export async function doneOf(call: Promise<TypedAnswer>): Promise<void> {
	const { error, response } = await call;
	if (!response.ok) throw FacetError.of(response, error);
}

function definedOf({ signal, ...init }: Omit<RawRequest, 'headers'>): RequestInit {
	return signal === undefined ? init : { ...init, signal };
}

async function bodyOf(response: Response): Promise<unknown> {
	const text = await response.text();
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
