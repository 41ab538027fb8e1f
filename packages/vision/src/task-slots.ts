/** A task that waits. */
interface Waiting {
	readonly slots: number;
	readonly enter: () => void;
}

/** What a task wants of the slots. */
export interface SlotsWanted {
	/** 1 by default; several for a task that takes as much memory as several. Of more than there are, all. */
	readonly slots?: number;
	/** Somebody waits for it. */
	readonly isUrgent?: boolean;
}

/**
 * So many tasks run beside each other, or one alone. The others wait: those that want to be alone first, then urgent ones and the
 * rest by turns, each in the order in which they came.
 */
export class TaskSlots {
	readonly #capacity: number;
	#free: number;
	readonly #some = new Set<Waiting>();
	readonly #urgent = new Set<Waiting>();
	readonly #all = new Set<Waiting>();
	readonly #idle: (() => void)[] = [];
	#urgentWasLast = false;

	constructor(capacity: number) {
		this.#capacity = capacity;
		this.#free = capacity;
	}

	/** Tasks that wait. */
	get waiting(): number {
		return this.#some.size + this.#urgent.size + this.#all.size;
	}

	/** Slots that are taken; several of them by a large task, all of them by one that runs alone. */
	get taken(): number {
		return this.#capacity - this.#free;
	}

	/**
	 * Waits for slots.
	 *
	 * @returns a function that gives them back.
	 * @throws the signal's reason when it fires first.
	 */
	take(
		signal: AbortSignal | undefined,
		{ slots = 1, isUrgent = false }: SlotsWanted = {},
	): Promise<() => void> {
		return this.#take(isUrgent ? this.#urgent : this.#some, Math.min(slots, this.#capacity), signal);
	}

	/** Waits for all slots, as `take` for some, and goes before all who wait for some. */
	takeAll(signal: AbortSignal | undefined): Promise<() => void> {
		return this.#take(this.#all, this.#capacity, signal);
	}

	/** Resolves when no slot is taken and nothing waits for one. */
	async idle(): Promise<void> {
		if (this.taken === 0 && this.waiting === 0) return;
		await new Promise<void>((resolve) => {
			this.#idle.push(resolve);
		});
	}

	async #take(queue: Set<Waiting>, slots: number, signal: AbortSignal | undefined): Promise<() => void> {
		signal?.throwIfAborted();
		await new Promise<void>((resolve, reject) => {
			const waiting: Waiting = {
				slots,
				enter: () => {
					signal?.removeEventListener('abort', leave);
					resolve();
				},
			};
			const leave = () => {
				queue.delete(waiting);
				reject(signal?.reason);
				this.#admit();
			};
			signal?.addEventListener('abort', leave, { once: true });
			queue.add(waiting);
			this.#admit();
		});
		return () => {
			this.#free += slots;
			this.#admit();
		};
	}

	#admit(): void {
		for (;;) {
			const queue = this.#first();
			const [next] = queue;
			if (next === undefined || next.slots > this.#free) break;
			queue.delete(next);
			this.#urgentWasLast = queue === this.#urgent;
			this.#free -= next.slots;
			next.enter();
		}
		if (this.taken > 0 || this.waiting > 0) return;
		for (const resolve of this.#idle.splice(0)) resolve();
	}

	/** Where the next one waits, if any does. */
	#first(): Set<Waiting> {
		if (this.#all.size > 0) return this.#all;
		const isUrgentsTurn = this.#some.size === 0 || !this.#urgentWasLast;
		return this.#urgent.size > 0 && isUrgentsTurn ? this.#urgent : this.#some;
	}
}
