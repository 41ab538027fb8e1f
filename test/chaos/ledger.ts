import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { jobListSchema, jobSchema, type WireJob } from '@facet/contracts';
import { expect } from 'vitest';
import type { Facet } from '../support/facet.ts';
import type { WebhookReceiver } from '../support/webhook-receiver.ts';
import type { ChaosMedia, MediaKind } from './chaos-media.ts';
import { checkCrops } from './check-crops.ts';

interface Accepted {
	readonly id: string;
	readonly kind: MediaKind;
	readonly url: string;
	isCanceled: boolean;
}

export interface SubmitOptions {
	/** Query of the media's URL: `held` waits for the host to be opened. */
	readonly query?: string;
	/** Whether crops are asked for; they are by default. */
	readonly crops?: boolean;
	/** How the job must end; by default as its media say. */
	readonly ends?: 'succeeded' | 'failed';
	readonly frames?: number;
}

/** What a scenario has come to. */
export interface Totals extends Readonly<Record<string, number>> {
	readonly jobs: number;
	readonly succeeded: number;
	readonly failed: number;
	readonly canceled: number;
	/** Jobs that nobody submitted, and final states beyond the first of each job. */
	readonly duplicates: number;
	/** Jobs that were accepted and have no final state. */
	readonly losses: number;
	/** Webhooks that came, of which there is at least one for each job. */
	readonly deliveries: number;
	/** Crops that show what they should. */
	readonly crops: number;
	/** Faces whose crop could not be stored. */
	readonly cropsMissing: number;
	/** Failed jobs of those that should not: three workers were lost on each, the last with no other job. */
	readonly workersLost: number;
}

const PATIENCE_MS = 90_000;
const AT_ONCE = 6;

/** Keeps account of every job that was accepted, as its caller does, and checks at the end that each of them is right. */
export class Ledger {
	readonly #facet: Facet;
	readonly #media: ChaosMedia;
	readonly #hook: WebhookReceiver;
	readonly #accepted = new Map<string, Accepted>();
	readonly #mustEnd = new Map<string, 'succeeded' | 'failed'>();
	readonly #earlier = new Set<string>();

	constructor(facet: Facet, media: ChaosMedia, hook: WebhookReceiver) {
		this.#facet = facet;
		this.#media = media;
		this.#hook = hook;
	}

	/** Begins anew: what was accepted until now is no longer looked at. */
	turnPage(): void {
		for (const id of this.#accepted.keys()) this.#earlier.add(id);
		this.#accepted.clear();
	}

	get size(): number {
		return this.#accepted.size;
	}

	/** Ids of the jobs, in the order in which they were accepted. */
	get ids(): readonly string[] {
		return [...this.#accepted.keys()];
	}

	/** Submits a job, again and again under one idempotency key while the service is away, as a client should. */
	async submit(kind: MediaKind, index: number, options: SubmitOptions = {}): Promise<string> {
		const url = this.#media.url(kind, index, options.query);
		const body = JSON.stringify({
			url,
			num_frames: options.frames ?? 3,
			return_face_url: options.crops ?? true,
			webhook_url: this.#hook.url,
		});
		const key = randomUUID();
		const response = await persistently(async () => {
			const headers = { 'content-type': 'application/json', 'idempotency-key': key };
			const answer = await fetch(`${this.#facet.url}/v1/jobs`, { method: 'POST', headers, body });
			return { status: answer.status, text: await answer.text() };
		});
		expect([200, 202], response.text).toContain(response.status);
		const { id } = jobSchema.parse(JSON.parse(response.text));
		this.#accepted.set(id, { id, kind, url, isCanceled: false });
		this.#mustEnd.set(id, options.ends ?? (kind === 'photo' || kind === 'video' ? 'succeeded' : 'failed'));
		return id;
	}

	/** Cancels a job, unless it has ended. */
	async cancel(id: string): Promise<void> {
		const job = this.#accepted.get(id);
		if (job) job.isCanceled = true;
		const { status } = await persistently(async () => {
			const answer = await fetch(`${this.#facet.url}/v1/jobs/${id}/cancel`, { method: 'POST' });
			return { status: answer.status, text: await answer.text() };
		});
		expect([200, 409]).toContain(status);
	}

	/** The job, at its end when that comes within `waitSeconds`; undefined for one that is not known. */
	async read(id: string, waitSeconds = 0): Promise<WireJob | undefined> {
		const { status, text } = await persistently(async () => {
			const answer = await fetch(`${this.#facet.url}/v1/jobs/${id}?wait=${waitSeconds}`);
			return { status: answer.status, text: await answer.text() };
		});
		if (status === 404 || status === 410) return undefined;
		expect(status, text).toBe(200);
		return jobSchema.parse(JSON.parse(text));
	}

	/** Waits for all jobs to end, and checks their final states, their webhooks and their crops. */
	async settle(): Promise<Totals> {
		const jobs = await inTurns([...this.#accepted.values()], (job) => this.#ended(job));
		const messages = await this.#messages();
		const states = { succeeded: 0, failed: 0, canceled: 0 };
		let secondEnds = 0;
		let workersLost = 0;
		for (const { id, status, error } of jobs) {
			const job = this.#accepted.get(id);
			const mustEnd = this.#mustEnd.get(id);
			const isGivenUp = mustEnd === 'succeeded' && error?.code === 'worker_lost';
			if (isGivenUp) workersLost += 1;
			const allowed = [mustEnd, ...(job?.isCanceled ? ['canceled'] : []), ...(isGivenUp ? ['failed'] : [])];
			expect(allowed, `${job?.url} ended as ${status}: ${JSON.stringify(error)}`).toContain(status);
			if (status === 'succeeded' || status === 'failed' || status === 'canceled') states[status] += 1;
			const ends = new Set(messages.get(`msg_${id}`));
			expect(ends).toContain(`detection.${status}`);
			secondEnds += ends.size - 1;
		}
		const crops = await inTurns(jobs, (job) =>
			checkCrops(job, this.#accepted.get(job.id)?.url ?? '', this.#media, this.#facet.url),
		);
		const strangers = (await this.#listed()).filter(
			(id) => !this.#accepted.has(id) && !this.#earlier.has(id),
		).length;
		const totals = {
			jobs: this.size,
			...states,
			duplicates: secondEnds + strangers,
			losses: this.size - jobs.length,
			deliveries: this.#hook.received.filter(({ id }) => this.#accepted.has(id.slice('msg_'.length))).length,
			crops: crops.reduce((sum, { right }) => sum + right, 0),
			cropsMissing: crops.reduce((sum, { missing }) => sum + missing, 0),
			workersLost,
		};
		expect(totals.duplicates, JSON.stringify(totals)).toBe(0);
		return totals;
	}

	async #ended({ id, url }: Accepted): Promise<WireJob> {
		const giveUpAt = Date.now() + PATIENCE_MS;
		for (;;) {
			const job = await this.read(id, 5);
			if (job === undefined) throw new Error(`lost: ${id} (${url})`);
			if (job.finished_at !== null) return job;
			if (Date.now() > giveUpAt) throw new Error(`without an end: ${JSON.stringify(job)} (${url})`);
		}
	}

	/** Types of the webhooks that came, by the id of each, when there is one for every job. */
	async #messages(): Promise<Map<string, string[]>> {
		const giveUpAt = Date.now() + PATIENCE_MS;
		for (;;) {
			const byId = new Map<string, string[]>();
			for (const { id, event } of this.#hook.received) byId.set(id, [...(byId.get(id) ?? []), event.type]);
			const missing = this.ids.filter((id) => !byId.has(`msg_${id}`));
			if (missing.length === 0) return byId;
			if (Date.now() > giveUpAt) throw new Error(`no webhook of ${missing.join(', ')}`);
			await delay(50);
		}
	}

	async #listed(): Promise<string[]> {
		const ids: string[] = [];
		let cursor: string | null = '';
		while (cursor !== null) {
			const query = `limit=100${cursor && `&cursor=${cursor}`}`;
			const answer = await fetch(`${this.#facet.url}/v1/jobs?${query}`);
			const page = jobListSchema.parse(await answer.json());
			ids.push(...page.data.map(({ id }) => id));
			cursor = page.next_cursor;
		}
		return ids;
	}
}

/** The results in the order of the items, a few of which are under way at once. */
async function inTurns<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
	const results: R[] = [];
	for (let first = 0; first < items.length; first += AT_ONCE) {
		results.push(...(await Promise.all(items.slice(first, first + AT_ONCE).map(action))));
	}
	return results;
}

/** Asks until there is an answer that is not "try again later". */
async function persistently<T extends { readonly status: number }>(ask: () => Promise<T>): Promise<T> {
	const giveUpAt = Date.now() + PATIENCE_MS;
	for (;;) {
		try {
			const answer = await ask();
			if (answer.status < 500 && answer.status !== 429) return answer;
			if (Date.now() > giveUpAt) return answer;
		} catch (error) {
			// The API is gone, or went before it had answered.
			if (Date.now() > giveUpAt) throw error;
		}
		await delay(50);
	}
}
