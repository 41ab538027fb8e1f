/** A message that was sent away from a busy host comes back after this time at least, in milliseconds. */
const MIN_WAIT_MS = 50;
/** However long the line at a host is, a message looks again after this time. */
const MAX_WAIT_MS = 5 * 60_000;
/** Messages that may wait at a host for their turn; further ones are sent away. */
const MAX_AT_DOOR = 8;
/** As long as one may wait there: whoever waits keeps its place among the attempts of all hosts. */
const MAX_AT_DOOR_MS = 500;
/** Hosts come and go; beyond so many, those with nothing under way are forgotten. */
const MAX_HOSTS = 1000;
/** How much the last attempt at a host counts in the estimate of how long one takes. */
const SMOOTHING = 0.2;

/** Gives a slot back. */
export type Release = () => void;

interface Host {
	busy: number;
	/** Takers that wait for a slot, first come first served. */
	readonly door: Set<(release: Release) => void>;
	/** How long an attempt takes, smoothed, in milliseconds; undefined before the first has ended. */
	attemptMs: number | undefined;
	/** When the last message that was sent away can expect its turn, in milliseconds of the clock. */
	lineEndsAt: number;
}

/**
 * Lets a process talk to each host of receivers only so many times at once.
 *
 * At a host that is known to be quick a few messages wait for a slot, so that none stands idle. All others are told when
 * to come back, which is about when their turn would be: a slow host with a thousand messages neither holds up other
 * hosts nor keeps the queue turning.
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

	/** Takes a slot, at once or after a short wait; or undefined when the host is too busy. */
	async take(name: string): Promise<Release | undefined> {
		const host = this.#hosts.get(name) ?? newHost();
		this.#hosts.set(name, host);
		if (host.busy < this.#perHost) return this.#occupy(name, host);
		const turnInMs = ((host.attemptMs ?? Number.POSITIVE_INFINITY) / this.#perHost) * (host.door.size + 1);
		if (host.door.size >= MAX_AT_DOOR || turnInMs > MAX_AT_DOOR_MS) return undefined;
		return new Promise((resolve) => {
			const enter = (release: Release) => {
				clearTimeout(timer);
				resolve(release);
			};
			const timer = setTimeout(() => {
				host.door.delete(enter);
				resolve(undefined);
			}, MAX_AT_DOOR_MS);
			host.door.add(enter);
		});
	}

	/**
	 * Sends a message away from a busy host, to the end of its line.
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

	#occupy(name: string, host: Host): Release {
		host.busy += 1;
		const startedAt = this.#now();
		return () => {
			host.busy -= 1;
			const tookMs = this.#now() - startedAt;
			host.attemptMs = (host.attemptMs ?? tookMs) * (1 - SMOOTHING) + tookMs * SMOOTHING;
			const [next] = host.door;
			if (next !== undefined) {
				host.door.delete(next);
				next(this.#occupy(name, host));
			} else if (host.busy === 0 && this.#hosts.size > MAX_HOSTS) {
				this.#hosts.delete(name);
			}
		};
	}
}

function newHost(): Host {
	return { busy: 0, door: new Set(), attemptMs: undefined, lineEndsAt: 0 };
}
