import {
	type JobList,
	jobListSchema,
	jobSchema,
	type Problem,
	problemSchema,
	type WireJob,
} from '@facet/contracts';
import { expect } from 'vitest';
import { type EventReader, openEvents } from './event-reader.ts';

type Headers = Readonly<Record<string, string>>;

/** An answer with its body as the schemas of `/v1` read it. */
export interface Answered<Body> {
	readonly status: number;
	readonly headers: globalThis.Headers;
	readonly body: Body;
}

/** The calls of `/v1/jobs`; every body is checked against its schema. */
export class V1Client {
	readonly #url: string;
	readonly #headers: Headers;

	/** @param headers - of every request, say a key. */
	constructor(url: string, headers: Headers = {}) {
		this.#url = `${url}/v1/jobs`;
		this.#headers = headers;
	}

	/** Submits a job that is taken, as JSON or as a form. */
	async submit(body: object, headers: Headers = {}): Promise<Answered<WireJob>> {
		const answer = await readJob(await this.post(body, headers), [200, 202]);
		expect(answer.headers.get('location')).toBe(`/v1/jobs/${answer.body.id}`);
		expect(answer.headers.get('x-job-id')).toBe(answer.body.id);
		return answer;
	}

	async post(body: object, headers: Headers = {}): Promise<Response> {
		if (body instanceof FormData) return this.fetch('', { method: 'POST', headers, body });
		return this.fetch('', {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...headers },
			body: JSON.stringify(body),
		});
	}

	/** The job, at its end if that comes within `waitSeconds`. */
	async get(id: string, waitSeconds = 0): Promise<WireJob> {
		const query = waitSeconds === 0 ? '' : `?wait=${waitSeconds}`;
		return (await readJob(await this.fetch(`/${id}${query}`))).body;
	}

	async list(query: Headers = {}): Promise<JobList> {
		const response = await this.fetch(`?${new URLSearchParams(query)}`);
		expect(response.status).toBe(200);
		return jobListSchema.parse(await response.json());
	}

	async cancel(id: string): Promise<WireJob> {
		return (await readJob(await this.fetch(`/${id}/cancel`, { method: 'POST' }))).body;
	}

	async delete(id: string): Promise<void> {
		const response = await this.fetch(`/${id}`, { method: 'DELETE' });
		expect(response.status, await response.text()).toBe(204);
	}

	events(id: string, headers: Headers = {}): Promise<EventReader> {
		return openEvents(`${this.#url}/${id}/events`, { ...this.#headers, ...headers });
	}

	/** @param path - behind `/v1/jobs`. */
	fetch(path: string, init: RequestInit & { headers?: Headers } = {}): Promise<Response> {
		return fetch(this.#url + path, { ...init, headers: { ...this.#headers, ...init.headers } });
	}
}

async function readJob(response: Response, statuses: readonly number[] = [200]): Promise<Answered<WireJob>> {
	const text = await response.text();
	expect(statuses, text).toContain(response.status);
	return {
		status: response.status,
		headers: response.headers,
		body: jobSchema.strict().parse(JSON.parse(text)),
	};
}

/** The problem details that a request was refused with. */
export async function readProblem(response: Response): Promise<Problem> {
	expect(response.headers.get('content-type')).toMatch(/^application\/problem\+json/);
	const problem = problemSchema.strict().parse(await response.json());
	expect(problem.status).toBe(response.status);
	return problem;
}

/** A form with a file and these fields. */
export function photoForm(fields: Readonly<Record<string, string>>, file: Buffer): FormData {
	const body = new FormData();
	for (const [name, value] of Object.entries(fields)) body.append(name, value);
	body.append('file', new Blob([new Uint8Array(file)]), 'photo.jpg');
	return body;
}
