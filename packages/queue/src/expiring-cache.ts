interface Entry<Value> {
	readonly value: Promise<Value>;
	readonly expiresAt: number;
}

/**
 * Answers that stay good for a moment. Whoever asks while an answer is on its way waits for that one; a failure is not
 * kept. What is oldest goes when there are too many.
 */
export class ExpiringCache<Value> {
	readonly #ttlMs: number;
	readonly #maxEntries: number;
	readonly #now: () => number;
	/** In the order of their making, and so of their end. */
	readonly #entries = new Map<string, Entry<Value>>();

	constructor(ttlMs: number, maxEntries: number, now: () => number = () => performance.now()) {
		this.#ttlMs = ttlMs;
		this.#maxEntries = maxEntries;
		this.#now = now;
	}

	/** @throws whatever `ask` throws. */
	async get(key: string, ask: () => Promise<Value>): Promise<Value> {
		const now = this.#now();
		const known = this.#entries.get(key);
		if (known && known.expiresAt > now) return known.value;
		this.#entries.delete(key);
		this.#dropOldest(now);
		const entry = { value: ask(), expiresAt: now + this.#ttlMs };
		this.#entries.set(key, entry);
		try {
			return await entry.value;
		} catch (error) {
			if (this.#entries.get(key) === entry) this.#entries.delete(key);
			throw error;
		}
	}

	get size(): number {
		return this.#entries.size;
	}

	#dropOldest(now: number): void {
		for (const [key, { expiresAt }] of this.#entries) {
			if (expiresAt > now && this.#entries.size < this.#maxEntries) return;
			this.#entries.delete(key);
		}
	}
}
