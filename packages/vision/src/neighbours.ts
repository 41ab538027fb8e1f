import { randomUUID } from 'node:crypto';
import { BroadcastChannel } from 'node:worker_threads';
import type { RgbImage } from '@facet/contracts';
import { settle, type TaskOutcome, unwrap } from './task-outcome.ts';
import { type DividedWork, type PartWorker, undivided, type WorkDivision } from './work-division.ts';

/** Parts of a picture that whoever has time may take. */
interface Offer {
	readonly kind: 'offer';
	readonly id: string;
	readonly work: string;
	/** Its pixels are shared memory. */
	readonly image: RgbImage;
	readonly parts: readonly unknown[];
	/** For each part whether somebody has taken it. */
	readonly taken: Int32Array;
}

/** What a neighbour has made of a part that it had taken. */
interface Answer {
	readonly kind: 'answer';
	readonly id: string;
	readonly part: number;
	readonly outcome: TaskOutcome<unknown>;
}

type Message = Offer | Answer;

export interface NeighboursOptions {
	/** The same for neighbours, and for nobody else in this process. */
	readonly channel: string;
	/** A neighbour that has not answered for so long has died with its part. */
	readonly patienceMs?: number | undefined;
}

const PATIENCE_MS = 10_000;

/** Larger pictures are not copied for others: what is done with them takes a small part of the time of their decoding. */
const MOST_SHARED_BYTES = 4_000_000;

/**
 * A few threads of one process that help each other out: the parts of a picture go to those that have nothing to do, so that a lone
 * picture is searched on several cores.
 *
 * A thread does the parts of its picture from the first one on and its neighbours from the last one on, each time the next one that
 * nobody has taken. So a neighbour that comes late finds nothing to do, and nobody waits for one that has not begun.
 */
export class Neighbours implements WorkDivision {
	readonly #channel: BroadcastChannel;
	readonly #patienceMs: number;
	readonly #works = new Map<string, PartWorker<unknown, unknown>>();
	/** What answers are for, by the identities of offers. */
	readonly #offers = new Map<string, Answers>();
	/** Copies in shared memory, by the pixels that they are of. */
	readonly #shared = new WeakMap<Uint8Array, Uint8Array>();
	#tasks = 0;
	#loneTasks = 0;

	constructor({ channel, patienceMs = PATIENCE_MS }: NeighboursOptions) {
		this.#patienceMs = patienceMs;
		this.#channel = new BroadcastChannel(channel);
		this.#channel.onmessage = (event) => this.#receive(messageOf(event));
		this.#channel.unref();
	}

	/** Runs a task of this thread. With a lone one, which other threads have time for, they are asked for help. */
	async run<T>(isLone: boolean, task: () => Promise<T>): Promise<T> {
		this.#tasks += 1;
		if (isLone) this.#loneTasks += 1;
		try {
			return await task();
		} finally {
			this.#tasks -= 1;
			if (isLone) this.#loneTasks -= 1;
		}
	}

	divide<Part, Result>(name: string, work: PartWorker<Part, Result>): DividedWork<Part, Result> {
		// Whatever comes by this name was made by this same call in another thread.
		this.#works.set(name, (image, part) => work(image, part as Part));
		const alone = undivided.divide(name, work);
		return (image, parts) => {
			const isShared = this.#loneTasks > 0 && parts.length > 1 && image.data.byteLength <= MOST_SHARED_BYTES;
			return isShared ? this.#share(name, work, image, parts) : alone(image, parts);
		};
	}

	close(): void {
		this.#channel.close();
	}

	async #share<Part, Result>(
		name: string,
		work: PartWorker<Part, Result>,
		image: RgbImage,
		parts: readonly Part[],
	): Promise<Result[]> {
		const id = randomUUID();
		const answers = new Answers(parts.length);
		this.#offers.set(id, answers);
		try {
			const taken = new Int32Array(new SharedArrayBuffer(4 * parts.length));
			const shared = { ...image, data: this.#sharedPixels(image.data) };
			this.#send({ kind: 'offer', id, work: name, image: shared, parts, taken });
			for (const [index, part] of parts.entries()) {
				if (take(taken, index)) answers.add(index, await settle(() => work(image, part)));
			}
			// Whatever became of them: a task that ends must leave no network running.
			await answers.complete(this.#patienceMs);
			const results: Result[] = [];
			for (const [index, part] of parts.entries()) {
				const outcome = answers.of(index);
				// It was made by the same work, here or there.
				results.push(outcome ? (unwrap(outcome) as Result) : await work(image, part));
			}
			return results;
		} finally {
			this.#offers.delete(id);
		}
	}

	async #help({ id, work, image, parts, taken }: Offer): Promise<void> {
		const run = this.#works.get(work);
		if (run === undefined) return;
		// Tasks of its own go first.
		for (let part = parts.length - 1; part >= 0 && this.#tasks === 0; part -= 1) {
			if (!take(taken, part)) continue;
			const outcome = await settle(() => run(image, parts[part]));
			this.#send({ kind: 'answer', id, part, outcome });
		}
	}

	#receive(message: Message): void {
		if (message.kind === 'offer') void this.#help(message);
		else this.#offers.get(message.id)?.add(message.part, message.outcome);
	}

	#send(message: Message): void {
		this.#channel.postMessage(message);
	}

	/** Copied once for all that is done with a picture. */
	#sharedPixels(pixels: Uint8Array): Uint8Array {
		const known = this.#shared.get(pixels);
		if (known) return known;
		const shared = new Uint8Array(new SharedArrayBuffer(pixels.byteLength));
		shared.set(pixels);
		this.#shared.set(pixels, shared);
		return shared;
	}
}

/** What has come of the parts of an offer. */
class Answers {
	readonly #parts: number;
	readonly #outcomes = new Map<number, TaskOutcome<unknown>>();
	#onComplete = () => {};

	constructor(parts: number) {
		this.#parts = parts;
	}

	add(part: number, outcome: TaskOutcome<unknown>): void {
		this.#outcomes.set(part, outcome);
		if (this.#isComplete) this.#onComplete();
	}

	of(part: number): TaskOutcome<unknown> | undefined {
		return this.#outcomes.get(part);
	}

	/** Resolves when there is an outcome of each part, or when the time is over. */
	async complete(timeoutMs: number): Promise<void> {
		if (this.#isComplete) return;
		await new Promise<void>((resolve) => {
			const timer = setTimeout(resolve, timeoutMs);
			this.#onComplete = () => {
				clearTimeout(timer);
				resolve();
			};
		});
	}

	get #isComplete(): boolean {
		return this.#outcomes.size === this.#parts;
	}
}

/** Takes a part, unless somebody has. */
function take(taken: Int32Array, part: number): boolean {
	return Atomics.exchange(taken, part, 1) === 0;
}

/** Only neighbours write to the channel. */
function messageOf(event: unknown): Message {
	return (event as { readonly data: Message }).data;
}
