import {
	type BatchList,
	type BatchResult,
	batchListSchema,
	batchResultSchema,
	batchSchema,
	type Problem,
	problemSchema,
	type WireBatch,
} from '@facet/contracts';
import { expect } from 'vitest';

type Headers = Readonly<Record<string, string>>;

/** The calls of `/v1/batches`, every answer checked against its schema. */
export class BatchClient {
	readonly #url: string;
	readonly #headers: Headers;

	/** @param headers - of every request, say a key. */
	constructor(url: string, headers: Headers = {}) {
		this.#url = `${url}/v1/batches`;
		this.#headers = headers;
	}

	/** Sends a batch as it is: text is NDJSON, anything else JSON. */
	async post(body: unknown, headers: Headers = {}): Promise<Response> {
		const isText = typeof body === 'string' || body instanceof Uint8Array;
		return this.#fetch('', {
			method: 'POST',
			headers: { 'content-type': isText ? 'application/x-ndjson' : 'application/json', ...headers },
			body: isText ? body : JSON.stringify(body),
		});
	}

	/** Sends a batch that is accepted. */
	async submit(body: unknown, headers: Headers = {}): Promise<WireBatch> {
		const response = await this.post(body, headers);
		const text = await response.text();
		expect(response.status, text).toBe(202);
		const batch = batchSchema.parse(JSON.parse(text));
		expect(response.headers.get('location')).toBe(`/v1/batches/${batch.id}`);
		expect(batch.urls.self).toMatch(new RegExp(`/v1/batches/${batch.id}$`));
		return batch;
	}

	/** Sends a batch that is refused. */
	async refusal(body: unknown, headers: Headers = {}): Promise<Problem> {
		return problemOf(await this.post(body, headers));
	}

	async get(id: string): Promise<Response> {
		return this.#fetch(`/${id}`);
	}

	async read(id: string): Promise<WireBatch> {
		const response = await this.get(id);
		expect(response.status).toBe(200);
		return batchSchema.parse(await response.json());
	}

	/** Waits for a batch to get one of the statuses. */
	async ended(id: string, timeout = 40_000): Promise<WireBatch> {
		const status = async () => (await this.read(id)).status;
		await expect.poll(status, { timeout, interval: 100 }).toMatch(/completed|canceled/);
		return this.read(id);
	}

	async list(query = ''): Promise<BatchList> {
		const response = await this.#fetch(query);
		expect(response.status).toBe(200);
		return batchListSchema.parse(await response.json());
	}

	async results(id: string, query = ''): Promise<BatchResult[]> {
		const response = await this.#fetch(`/${id}/results${query}`);
		expect(response.status).toBe(200);
		expect(response.headers.get('content-type')).toBe('application/x-ndjson');
		return (await response.text())
			.split('\n')
			.slice(0, -1)
			.map((line) => batchResultSchema.parse(JSON.parse(line)));
	}

	async cancel(id: string): Promise<Response> {
		return this.#fetch(`/${id}/cancel`, { method: 'POST' });
	}

	async delete(id: string): Promise<Response> {
		return this.#fetch(`/${id}`, { method: 'DELETE' });
	}

	#fetch(path: string, init: RequestInit = {}): Promise<Response> {
		return fetch(this.#url + path, { ...init, headers: { ...this.#headers, ...init.headers } });
	}
}

async function problemOf(response: Response): Promise<Problem> {
	expect(response.headers.get('content-type')).toMatch('application/problem+json');
	const problem = problemSchema.parse(await response.json());
	expect(problem.status).toBe(response.status);
	return problem;
}
