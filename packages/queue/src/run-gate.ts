interface Waiting {
	readonly kind: 'shared' | 'alone';
	readonly enter: () => void;
}

/** Lets actions run beside each other, or one with no other beside it, in the order in which they came. */
export class RunGate {
	readonly #waiting: Waiting[] = [];
	#running = 0;
	#isAlone = false;

	/**
	 * Runs an action beside others.
	 *
	 * @param signal - ends the wait; an action that runs is left to itself.
	 * @throws the signal's reason, or what the action throws.
	 */
	async shared<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
		return this.#run('shared', signal, action);
	}

	/** Runs an action when all that run have ended; those that come meanwhile wait. Throws as `shared`. */
	async alone<T>(signal: AbortSignal, action: () => Promise<T>): Promise<T> {
		return this.#run('alone', signal, action);
	}

	async #run<T>(kind: Waiting['kind'], signal: AbortSignal, action: () => Promise<T>): Promise<T> {
		await this.#enter(kind, signal);
		try {
			return await action();
		} finally {
			this.#running -= 1;
			this.#isAlone = false;
			this.#admit();
		}
	}

	async #enter(kind: Waiting['kind'], signal: AbortSignal): Promise<void> {
		signal.throwIfAborted();
		await new Promise<void>((resolve, reject) => {
			const waiting: Waiting = {
				kind,
				enter: () => {
					signal.removeEventListener('abort', leave);
					resolve();
				},
			};
			const leave = () => {
				this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
				reject(signal.reason);
				this.#admit();
			};
			signal.addEventListener('abort', leave, { once: true });
			this.#waiting.push(waiting);
			this.#admit();
		});
	}

	#admit(): void {
		for (;;) {
			const next = this.#waiting[0];
			if (next === undefined || this.#isAlone || (next.kind === 'alone' && this.#running > 0)) return;
			this.#waiting.shift();
			this.#running += 1;
			this.#isAlone = next.kind === 'alone';
			next.enter();
		}
	}
}
