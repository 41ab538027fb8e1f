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

/** However much a client sends at once, it is heard again after so many minutes. */
const LONGEST_WAIT_MINUTES = 10;

/**
 * Counts the wrong keys of each client, as a bucket that leaks. Whoever has used up its tries is refused before its key is
 * looked at, and so learns nothing by going on; a key that was right for the same client before passes all the same, so
 * that somebody else behind its proxy or gateway does not lock it out.
 *
 * In the memory of this process alone, and never more of it than `maxEntries` take: what was not used for longest goes.
 */
export class WrongKeys {
	readonly #perMinute: number;
	readonly #maxEntries: number;
	readonly #now: () => number;
	/** By client, least recently wrong first. */
	readonly #debts = new Map<string, Debt>();
	/** Of clients and keys, least recently used first. */
	readonly #right = new Set<string>();

	constructor({ perMinute, maxEntries = 10_000, now = () => performance.now() }: WrongKeysOptions) {
		this.#perMinute = perMinute;
		this.#maxEntries = maxEntries;
		this.#now = now;
	}

	/** Seconds for which a client's key shall not be looked at; 0 when it may be. */
	refusedSeconds(client: string, keyDigest: string): number {
		if (this.#right.has(nameOf(client, keyDigest))) return 0;
		const excess = this.#debtOf(client) + 1 - this.#perMinute;
		return excess <= 0 ? 0 : Math.ceil((excess * 60) / this.#perMinute);
	}

	/** @returns whether this one used up the last of the client's tries. */
	addWrong(client: string, keyDigest: string): boolean {
		this.#right.delete(nameOf(client, keyDigest));
		const before = this.#debtOf(client);
		const count = Math.min(before + 1, this.#perMinute * LONGEST_WAIT_MINUTES);
		this.#debts.delete(client);
		this.#debts.set(client, { count, atMs: this.#now() });
		dropFirst(this.#debts, this.#maxEntries);
		return before + 1 <= this.#perMinute && before + 2 > this.#perMinute;
	}

	addRight(client: string, keyDigest: string): void {
		const name = nameOf(client, keyDigest);
		this.#right.delete(name);
		this.#right.add(name);
		dropFirst(this.#right, this.#maxEntries);
	}

	/** Clients and keys that are remembered now. */
	get size(): number {
		return this.#debts.size + this.#right.size;
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
