/** A message that found its host busy comes back after this time at least, in milliseconds. */
const MIN_WAIT_MS = 50;
/** However long the line at a host is, a message looks again after this time. */
const MAX_WAIT_MS = 5 * 60_000;
/** How much the last attempt at a host counts in the estimate of how long one takes. */
const SMOOTHING = 0.2;

interface Host {
	busy: number;
	/** How long an attempt takes, smoothed, in milliseconds; undefined before the first has ended. */
	attemptMs: number | undefined;
	/** When the last message in line can expect its turn, in milliseconds of the clock. */
	lineEndsAt: number;
}

/**
 * Lets a process talk to each host of receivers only so many times at once. Who finds no slot is told when to come back,
 * which is about when its turn would be: one slow host with a thousand messages neither holds the slots of others nor
 * keeps the queue turning.
 */
export class HostSlots {
	readonly #perHost: number;
	readonly #now: () => number;
	readonly #hosts = new Map<string, Host>();

	/** @param now - a clock in milliseconds. */
	constructor(perHost: number, now: () => number = () => performance.now()) {
		this.#perHost = perHost;
		this.#now = now;
	}

	/** Takes a slot: a function that gives it back; or undefined when the host has none free. */
	take(name: string): (() => void) | undefined {
		const host = this.#hosts.get(name) ?? { busy: 0, attemptMs: undefined, lineEndsAt: 0 };
		if (host.busy >= this.#perHost) return undefined;
		this.#hosts.set(name, host);
		host.busy += 1;
		const startedAt = this.#now();
		return () => {
			host.busy -= 1;
			const tookMs = this.#now() - startedAt;
			host.attemptMs = (host.attemptMs ?? tookMs) * (1 - SMOOTHING) + tookMs * SMOOTHING;
			// Hosts come and go; one with nobody in line is as good as new.
			if (host.busy === 0 && host.lineEndsAt <= this.#now()) this.#hosts.delete(name);
		};
	}

	/**
	 * Puts a message at the end of a busy host's line.
	 *
	 * @param random - 0 to 1.
	 * @returns how long until its turn, in milliseconds.
	 */
	waitMs(name: string, random: number = Math.random()): number {
		const now = this.#now();
		const host = this.#hosts.get(name);
		if (host === undefined) return MIN_WAIT_MS;
		const turnMs = (host.attemptMs ?? MIN_WAIT_MS) / this.#perHost;
		host.lineEndsAt = Math.min(Math.max(host.lineEndsAt, now) + turnMs, now + MAX_WAIT_MS);
		return Math.round(Math.max(MIN_WAIT_MS, (host.lineEndsAt - now) * (0.8 + 0.4 * random)));
	}
}
