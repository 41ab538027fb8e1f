export interface ResultGroupsOptions<Item> {
	/** So many go without a wait. */
	readonly size: number;
	/** The longest that one waits for others, in milliseconds. */
	readonly longestWaitMs: number;
	readonly send: (items: readonly Item[]) => void;
}

/**
 * Lets what is done wait for a few others, to go with them: who gets them is woken once, and does all that follows from each
 * of them at once.
 */
export class ResultGroups<Item> {
	readonly #options: ResultGroupsOptions<Item>;
	#waiting: Item[] = [];
	#timer: NodeJS.Timeout | undefined;

	constructor(options: ResultGroupsOptions<Item>) {
		this.#options = options;
	}

	/** @param mayWait - else it goes at once, and those that wait with it. */
	add(item: Item, mayWait: boolean): void {
		this.#waiting.push(item);
		const { size, longestWaitMs } = this.#options;
		if (!mayWait || this.#waiting.length >= size) this.#send();
		else this.#timer ??= setTimeout(() => this.#send(), longestWaitMs);
	}

	#send(): void {
		clearTimeout(this.#timer);
		this.#timer = undefined;
		this.#options.send(this.#waiting);
		this.#waiting = [];
	}
}
