import { Agent, request } from 'node:http';

/** A short answer, with the time from the request to its last byte. */
export interface TimedAnswer {
	readonly status: number;
	readonly ms: number;
	/** Seconds; NaN without the header. */
	readonly retryAfter: number;
	readonly jobId: string;
}

/**
 * Posts jobs with as little work of its own as can be: in a flood, the time that a client takes to check an answer is time
 * that all the other answers wait. Connections are kept, as many as there are requests under way.
 */
export class FloodClient {
	readonly #url: string;
	readonly #headers: Readonly<Record<string, string>>;
	readonly #agent = new Agent({ keepAlive: true });

	constructor(url: string, headers: Readonly<Record<string, string>>) {
		this.#url = url;
		this.#headers = headers;
	}

	async post(path: string, body: object): Promise<TimedAnswer> {
		const text = JSON.stringify(body);
		const headers = {
			...this.#headers,
			'content-type': 'application/json',
			'content-length': Buffer.byteLength(text),
		};
		const sentAt = performance.now();
		return new Promise((resolve, reject) => {
			const call = request(this.#url + path, { method: 'POST', agent: this.#agent, headers }, (answer) => {
				answer.on('error', reject).on('end', () =>
					resolve({
						status: answer.statusCode ?? 0,
						ms: performance.now() - sentAt,
						retryAfter: Number(answer.headers['retry-after'] ?? Number.NaN),
						jobId: String(answer.headers['x-job-id'] ?? ''),
					}),
				);
				answer.resume();
			});
			call.on('error', reject).end(text);
		});
	}

	close(): void {
		this.#agent.destroy();
	}
}
