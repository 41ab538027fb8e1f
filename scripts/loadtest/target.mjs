import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** @typedef {{ status: number, code?: string }} Outcome `status` 0: no answer; `code` of the error, if it was one. */
/** @typedef {{ status: number, body: unknown }} Answer */

/** The longest that one look at a job waits. */
const POLL_SECONDS = 30;

/** The installation under load. */
export class Target {
	#options;
	#agent;
	#sent = 0;

	/** @param {import('./options.mjs').LoadOptions & { photo: string | undefined }} options `photo` in base64. */
	constructor(options) {
		this.#options = options;
		// As many connections as there are requests under way: to wait for one would hide what clients feel.
		const settings = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY };
		this.#agent = options.url.startsWith('https:') ? new HttpsAgent(settings) : new HttpAgent(settings);
	}

	/**
	 * One request, to the end of its job.
	 *
	 * @returns {Promise<Outcome>} Never a rejection.
	 */
	async call() {
		const { mode, timeoutMs } = this.#options;
		const signal = AbortSignal.timeout(timeoutMs);
		try {
			if (mode === 'sync') return outcomeOf(await this.#send('POST', '/detect_faces', this.#media(), signal));
			const submitted = await this.#send('POST', '/v1/jobs', this.#media(), signal);
			return submitted.status === 202 ? await this.#ended(submitted, signal) : outcomeOf(submitted);
		} catch (error) {
			if (signal.aborted) return { status: 0, code: 'timed_out' };
			const code = error instanceof Error && 'code' in error ? String(error.code) : 'unreadable_answer';
			return { status: 0, code };
		}
	}

	close() {
		this.#agent.destroy();
	}

	#media() {
		const { photo, sourceUrl, unique } = this.#options;
		if (sourceUrl === undefined) return { img: photo };
		this.#sent += 1;
		if (!unique) return { url: sourceUrl };
		const url = new URL(sourceUrl);
		url.searchParams.set('loadtest', `${process.pid}-${this.#sent}`);
		return { url: url.href };
	}

	/**
	 * @param {Answer} submitted
	 * @param {AbortSignal} signal
	 * @returns {Promise<Outcome>}
	 */
	async #ended({ body }, signal) {
		const id = textAt(body, 'id');
		for (;;) {
			const answer = await this.#send('GET', `/v1/jobs/${id}?wait=${POLL_SECONDS}`, undefined, signal);
			if (answer.status !== 200) return outcomeOf(answer);
			const status = textAt(answer.body, 'status');
			if (status === 'succeeded') return { status: 200 };
			if (status !== 'queued' && status !== 'processing')
				return { status: 200, code: textAt(answer.body, 'error', 'code') ?? status ?? 'unreadable_answer' };
		}
	}

	/**
	 * @param {string} method
	 * @param {string} path
	 * @param {unknown} body
	 * @param {AbortSignal} signal
	 * @returns {Promise<Answer>}
	 */
	#send(method, path, body, signal) {
		const { url, key } = this.#options;
		const send = url.startsWith('https:') ? httpsRequest : httpRequest;
		const text = body === undefined ? undefined : JSON.stringify(body);
		const headers = {
			...(key !== undefined && { authorization: `Bearer ${key}` }),
			...(text !== undefined && {
				'content-type': 'application/json',
				'content-length': Buffer.byteLength(text),
			}),
		};
		return new Promise((resolve, reject) => {
			const call = send(url + path, { method, agent: this.#agent, headers, signal }, (response) => {
				/** @type {Buffer[]} */
				const chunks = [];
				response.on('data', (chunk) => chunks.push(chunk));
				response.on('error', reject);
				response.on('end', () => {
					const { statusCode: status = 0 } = response;
					try {
						resolve({ status, body: JSON.parse(Buffer.concat(chunks).toString()) });
					} catch (error) {
						// A proxy in front may answer in HTML; its status says enough.
						if (status >= 400) resolve({ status, body: undefined });
						else reject(error);
					}
				});
			});
			call.on('error', reject);
			call.end(text);
		});
	}
}

/**
 * @param {Answer} answer
 * @returns {Outcome}
 */
function outcomeOf({ status, body }) {
	const code = textAt(body, 'error', 'code') ?? textAt(body, 'code');
	if (code !== undefined) return { status, code };
	return status === 200 ? { status } : { status, code: `http_${status}` };
}

/**
 * @param {unknown} value
 * @param {...string} path
 * @returns {string | undefined}
 */
function textAt(value, ...path) {
	let found = value;
	for (const name of path)
		found = typeof found === 'object' && found !== null ? Reflect.get(found, name) : undefined;
	return typeof found === 'string' ? found : undefined;
}
