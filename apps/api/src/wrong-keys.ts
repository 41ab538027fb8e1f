export interface WrongKeysOptions {
	/** How many keys a client may get wrong in a minute, and at once when it has not got any wrong for that long. */
	readonly perMinute: number;
	/** Clients, and keys that were right, that are remembered at most. */
	readonly maxEntries?: number;
	/** Milliseconds of a clock that does not go back. */
	readonly now?: () => number;
}

/** What a client has got wrong and time has not made good for yet. */
interface Debt {
	readonly count: number;
	readonly atMs: number;
}

/** A client's try at a key. It is to be settled once, by one of the three, when the key was looked at. */
export interface KeyTry {
	/** The key was right: the try costs nothing, and the key passes from now on. */
	right(): void;
	/** @returns whether this one used up the last of the client's tries. */
	wrong(): boolean;
	/** It was not to be known which: the try costs nothing. */
	giveBack(): void;
}

/** What a client has under way. */
interface Pending {
	tries: number;
	/** Those who wait for one of these tries to be settled, first come first. */
	readonly waiting: (() => void)[];
}

/** However much a client sends at once, it is heard again after so many minutes. */
const LONGEST_WAIT_MINUTES = 10;

/**
 * Counts the wrong keys of each client, as a bucket that leaks. Whoever has used up its tries is refused before its key is
 * looked at, and so learns nothing by going on; a key that was right for the same client before passes all the same, so
 * that somebody else behind its proxy or gateway does not lock it out.
 *
 * A try is taken before the key is looked at, so that keys sent side by side are no more than are left; those beyond wait
 * until it is known whether they are.
 *
 * In the memory of this process alone, and never more of it than `maxEntries` take: what was not used for longest goes.
 */
export class WrongKeys {
	readonly #perMinute: number;
	readonly #maxEntries: number;
	readonly #now: () => number;
	/** By client, least recently wrong first. */
	readonly #debts = new Map<string, Debt>();
	/** By client; without those that have nothing under way. */
	readonly #pending = new Map<string, Pending>();
	/** Of clients and keys, least recently used first. */
	readonly #right = new Set<string>();

	constructor({ perMinute, maxEntries = 10_000, now = () => performance.now() }: WrongKeysOptions) {
		this.#perMinute = perMinute;
		this.#maxEntries = maxEntries;
		this.#now = now;
	}

	/** @returns the try; or, in seconds, for how long the client's key shall not be looked at. */
	async take(client: string, keyDigest: string): Promise<KeyTry | number> {
		const name = nameOf(client, keyDigest);
		for (let hasWaited = false; ; hasWaited = true) {
			const isFree = this.#right.has(name);
			const debt = this.#debtOf(client);
			const left = this.#perMinute - debt - 1;
			const pending = this.#pending.get(client);
			if (!isFree && left >= 0 && pending !== undefined && pending.tries > left) {
				await new Promise<void>((resolve) => {
					if (hasWaited) pending.waiting.unshift(resolve);
					else pending.waiting.push(resolve);
				});
				continue;
			}
			if (!isFree && left >= 0) return this.#begin(client, name);
			// This one settles nothing that would wake the next.
			if (pending !== undefined && hasWaited) this.#wakeNext(client, pending);
			return isFree ? this.#tryOf(client, name, () => {}) : Math.ceil((-left * 60) / this.#perMinute);
		}
	}

	#begin(client: string, name: string): KeyTry {
		const pending = this.#pending.get(client) ?? { tries: 0, waiting: [] };
		this.#pending.set(client, pending);
		pending.tries += 1;
		return this.#tryOf(client, name, () => {
			pending.tries -= 1;
			this.#wakeNext(client, pending);
		});
	}

	#wakeNext(client: string, pending: Pending): void {
		const next = pending.waiting.shift();
		if (next !== undefined) next();
		else if (pending.tries === 0) this.#pending.delete(client);
	}

	#tryOf(client: string, name: string, settle: () => void): KeyTry {
		return {
			right: () => {
				this.#addRight(name);
				settle();
			},
			wrong: () => {
				const isLast = this.#addWrong(client, name);
				settle();
				return isLast;
			},
			giveBack: settle,
		};
	}

	#addWrong(client: string, name: string): boolean {
		this.#right.delete(name);
		const before = this.#debtOf(client);
		const count = Math.min(before + 1, this.#perMinute * LONGEST_WAIT_MINUTES);
		this.#debts.delete(client);
		this.#debts.set(client, { count, atMs: this.#now() });
		dropFirst(this.#debts, this.#maxEntries);
		return before + 1 <= this.#perMinute && before + 2 > this.#perMinute;
	}

	#addRight(name: string): void {
		this.#right.delete(name);
		this.#right.add(name);
		dropFirst(this.#right, this.#maxEntries);
	}

	/** Clients and keys that are remembered now, and clients with tries under way. */
	get size(): number {
		return this.#debts.size + this.#right.size + this.#pending.size;
	}

	#debtOf(client: string): number {
		const debt = this.#debts.get(client);
		if (debt === undefined) return 0;
		return Math.max(0, debt.count - ((this.#now() - debt.atMs) * this.#perMinute) / 60_000);
	}
}

function nameOf(client: string, keyDigest: string): string {
	return `${client} ${keyDigest}`;
}

/** Maps and sets keep the order in which their entries came. */
function dropFirst(
	entries: { readonly size: number; keys(): Iterator<string>; delete(key: string): boolean },
	most: number,
) {
	if (entries.size <= most) return;
	const first = entries.keys().next();
	if (first.done !== true) entries.delete(first.value);
}
