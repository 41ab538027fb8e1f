import { Agent, request } from 'node:http';
import { z } from 'zod';

/** A whole answer. */
export interface ServiceAnswer {
	readonly status: number;
	readonly jobId: string;
	readonly body: unknown;
}

const jobSchema = z.object({
	id: z.string(),
	status: z.string(),
	metrics: z.record(z.string(), z.number()).nullable(),
});
export type BenchJob = z.infer<typeof jobSchema>;

/**
 * Calls of the service with as little work as a client can have, since it shares the cores with what it measures: kept
 * connections, and no check of answers but of their status.
 */
export class ServiceClient {
	readonly #url: string;
	readonly #agent = new Agent({ keepAlive: true });

	constructor(url: string) {
		this.#url = url;
	}

	async submit(url: string, withCrops: boolean): Promise<string> {
		const { body } = await this.#call('POST', '/v1/jobs', { url, return_face_url: withCrops }, 202);
		return jobSchema.parse(body).id;
	}

	/** The job at its end. @throws Error unless that is a success. */
	async ended(id: string): Promise<BenchJob> {
		for (;;) {
			const { body } = await this.#call('GET', `/v1/jobs/${id}?wait=30`, undefined, 200);
			const job = jobSchema.parse(body);
			if (job.status === 'succeeded') return job;
			if (!['queued', 'processing'].includes(job.status)) throw new Error(`the job ended as ${job.status}`);
		}
	}

	/** One synchronous request; the id of its job. */
	async detect(url: string, numFrames = 5): Promise<string> {
		return (await this.#call('POST', '/detect_faces', { url, num_frames: numFrames }, 200)).jobId;
	}

	/** Posts NDJSON. */
	async postLines(path: string, lines: string): Promise<unknown> {
		return (await this.#call('POST', path, lines, 202)).body;
	}

	async get(path: string): Promise<unknown> {
		return (await this.#call('GET', path, undefined, 200)).body;
	}

	close(): void {
		this.#agent.destroy();
	}

	/** @throws Error unless the answer has this status. */
	async #call(method: string, path: string, body: unknown, status: number): Promise<ServiceAnswer> {
		const answer = await this.#send(method, path, body);
		if (answer.status === status) return answer;
		throw new Error(`${method} ${path}: expected ${status}, received ${JSON.stringify(answer)}`);
	}

	#send(method: string, path: string, body: unknown): Promise<ServiceAnswer> {
		return new Promise((resolve, reject) => {
			const text = typeof body === 'string' ? body : JSON.stringify(body);
			const type = typeof body === 'string' ? 'application/x-ndjson' : 'application/json';
			const headers =
				text === undefined ? {} : { 'content-type': type, 'content-length': Buffer.byteLength(text) };
			const call = request(this.#url + path, { method, agent: this.#agent, headers }, (response) => {
				const chunks: Buffer[] = [];
				response.on('data', (chunk: Buffer) => chunks.push(chunk));
				response.on('error', reject);
				response.on('end', () => {
					const jobId = response.headers['x-job-id'];
					resolve({
						status: response.statusCode ?? 0,
						jobId: typeof jobId === 'string' ? jobId : '',
						body: JSON.parse(Buffer.concat(chunks).toString()),
					});
				});
			});
			call.on('error', reject);
			call.end(text);
		});
	}
}
