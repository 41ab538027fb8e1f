/** Takes items from a source before they are asked for, so that the source goes on working meanwhile. */
export class ReadAhead<Item> {
	readonly #source: AsyncGenerator<Item>;
	readonly #most: number;
	readonly #waiting: Promise<IteratorResult<Item>>[] = [];

	/**
	 * Begins at once.
	 *
	 * @param most - items that are taken, or asked for, and not yet given on; at least 1.
	 */
	constructor(source: AsyncGenerator<Item>, most: number) {
		this.#source = source;
		this.#most = Math.max(1, most);
		this.#fill();
	}

	/** The next item; undefined at the end. @throws what the source throws. */
	async next(): Promise<Item | undefined> {
		const next = await this.#waiting.shift();
		if (next === undefined || next.done) return undefined;
		this.#fill();
		return next.value;
	}

	/** Ends the source, after what was asked of it. */
	async close(): Promise<void> {
		await this.#source.return(undefined);
	}

	#fill(): void {
		while (this.#waiting.length < this.#most) {
			const next = this.#source.next();
			// It is awaited later, or never when the reader stops before.
			next.catch(() => {});
			this.#waiting.push(next);
		}
	}
}
