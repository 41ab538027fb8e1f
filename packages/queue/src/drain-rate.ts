const WINDOW_MS = 10_000;

/** How many jobs a second have ended lately, over a window of ten seconds. */
export class DrainRate {
	readonly #now: () => number;
	#windowStart: number;
	#inWindow = 0;
	#lastRate = 0;

	constructor(now: () => number = Date.now) {
		this.#now = now;
		this.#windowStart = now();
	}

	count(): void {
		this.#roll();
		this.#inWindow += 1;
	}

	/** Jobs a second. */
	get perSecond(): number {
		this.#roll();
		const elapsedMs = this.#now() - this.#windowStart;
		// A young window says little: weigh it with the one before by how much of the span it covers.
		return (this.#inWindow + this.#lastRate * ((WINDOW_MS - elapsedMs) / 1000)) / (WINDOW_MS / 1000);
	}

	/** Whole seconds until `jobs` more will have ended at this rate, from 1 to 300; 30 when nothing ends. */
	secondsFor(jobs: number): number {
		const rate = this.perSecond;
		return rate === 0 ? 30 : Math.min(300, Math.max(1, Math.ceil(jobs / rate)));
	}

	#roll(): void {
		const elapsedMs = this.#now() - this.#windowStart;
		if (elapsedMs < WINDOW_MS) return;
		this.#lastRate = elapsedMs < 2 * WINDOW_MS ? this.#inWindow / (WINDOW_MS / 1000) : 0;
		this.#inWindow = 0;
		this.#windowStart = this.#now();
	}
}
