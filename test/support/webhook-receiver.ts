import type { ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { checkEvent } from './checked-fetch.ts';
import { startHttpServer } from './http-server.ts';

/** Body of a webhook; what `data` holds is for the tests to say. */
interface WebhookEventBody {
	readonly type: string;
	readonly timestamp: string;
	readonly data: Readonly<Record<string, unknown>>;
}

/** One request that a receiver has got, its signature verified. */
export interface ReceivedWebhook {
	readonly id: string;
	/** Of the attempt, in seconds since the epoch. */
	readonly timestampSeconds: number;
	readonly signature: string;
	readonly path: string;
	readonly body: string;
	readonly event: WebhookEventBody;
	/** When it came, in milliseconds since the epoch. */
	readonly at: number;
}

/** Answers the n-th request, counted from 1. */
export type Answer = (response: ServerResponse, count: number) => void;

/** A receiver of webhooks that verifies every one by the public library, and answers as the test says. */
export class WebhookReceiver {
	readonly received: ReceivedWebhook[] = [];
	/** Requests under way, at most. */
	mostAtOnce = 0;
	answer: Answer;
	readonly #secret: string;
	readonly #waiting = new Set<() => void>();
	#underWay = 0;
	#close: () => Promise<void> = async () => {};
	/** Where webhooks go. */
	url = '';

	private constructor(secret: string, answer: Answer) {
		this.#secret = secret;
		this.answer = answer;
	}

	/** @param port - a free one by default. */
	static async start(
		secret: string,
		answer: Answer = (response) => response.writeHead(204).end(),
		port = 0,
	): Promise<WebhookReceiver> {
		const receiver = new WebhookReceiver(secret, answer);
		const server = await startHttpServer((request, response) => {
			receiver.#underWay += 1;
			receiver.mostAtOnce = Math.max(receiver.mostAtOnce, receiver.#underWay);
			response.on('close', () => {
				receiver.#underWay -= 1;
			});
			const chunks: Buffer[] = [];
			request.on('data', (chunk: Buffer) => chunks.push(chunk));
			request.on('end', () => {
				const { headers, url = '' } = request;
				receiver.#take(String(Buffer.concat(chunks)), url, {
					'webhook-id': String(headers['webhook-id']),
					'webhook-timestamp': String(headers['webhook-timestamp']),
					'webhook-signature': String(headers['webhook-signature']),
				});
				receiver.answer(response, receiver.received.length);
			});
		}, port);
		receiver.url = `${server.url}/hook`;
		receiver.#close = () => server.close();
		return receiver;
	}

	/** Resolves when so many requests have come. */
	async got(count: number): Promise<readonly ReceivedWebhook[]> {
		return new Promise((resolve) => {
			const check = () => {
				if (this.received.length < count) return;
				this.#waiting.delete(check);
				resolve(this.received);
			};
			this.#waiting.add(check);
			check();
		});
	}

	async close(): Promise<void> {
		await this.#close();
	}

	#take(body: string, path: string, headers: Record<string, string>): void {
		// Tests assert on the event itself; the type names its fields.
		const event = new Webhook(this.#secret).verify(body, headers) as WebhookEventBody;
		checkEvent(event);
		this.received.push({
			id: headers['webhook-id'] ?? '',
			timestampSeconds: Number(headers['webhook-timestamp']),
			signature: headers['webhook-signature'] ?? '',
			path,
			body,
			event,
			at: Date.now(),
		});
		for (const check of this.#waiting) check();
	}
}
