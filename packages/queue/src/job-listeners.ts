/** Who wants to hear of which job. */
export class JobListeners<Event> {
	readonly #byJob = new Map<string, Set<(event: Event) => void>>();

	/** Jobs that somebody listens to. */
	get jobIds(): string[] {
		return [...this.#byJob.keys()];
	}

	get isEmpty(): boolean {
		return this.#byJob.size === 0;
	}

	/** @returns a function that takes the listener off; to call it again is no harm to those who have come since. */
	add(jobId: string, listener: (event: Event) => void): () => void {
		const listeners = this.#byJob.get(jobId) ?? new Set();
		this.#byJob.set(jobId, listeners.add(listener));
		return () => {
			listeners.delete(listener);
			if (listeners.size === 0 && this.#byJob.get(jobId) === listeners) this.#byJob.delete(jobId);
		};
	}

	has(jobId: string): boolean {
		return this.#byJob.has(jobId);
	}

	tell(jobId: string, event: Event): void {
		for (const listener of this.#byJob.get(jobId) ?? []) listener(event);
	}
}
