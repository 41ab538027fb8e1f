/** A generator of the same numbers for the same seed: mulberry32 (Tommy Ettinger, public domain). */
export class SeededRandom {
	#state: number;

	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** From 0 to 1, without 1. */
	next(): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
		mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
	}

	/** A whole number from 0 to `limit`, without `limit`. */
	below(limit: number): number {
		return Math.floor(this.next() * limit);
	}

	/** One of the items, by their weights. */
	pick<T>(weighted: readonly (readonly [item: T, weight: number])[]): T {
		const total = weighted.reduce((sum, [, weight]) => sum + weight, 0);
		let left = this.next() * total;
		for (const [item, weight] of weighted) {
			left -= weight;
			if (left < 0) return item;
		}
		throw new RangeError('Expected at least one item with a weight');
	}
}
