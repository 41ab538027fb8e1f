/** Frees a place; calling it again changes nothing. */
export type Release = () => void;

/**
 * How many processes of ffmpeg and ffprobe run at once, for all jobs of a worker together. Who comes first is served
 * first.
 */
export class ProcessLimit {
	/** Processes that may run at once. */
	readonly size: number;
	#running = 0;
	readonly #waiting: (() => void)[] = [];

	constructor(size: number) {
		this.size = Math.max(1, Math.floor(size));
	}

	/** Processes that run now. */
	get running(): number {
		return this.#running;
	}

	/**
	 * Waits for a place.
	 *
	 * @throws the signal's reason when it is aborted before there is one.
	 */
	async acquire(signal?: AbortSignal): Promise<Release> {
		signal?.throwIfAborted();
		if (this.#running < this.size) {
			this.#running += 1;
			return this.#releaseOnce();
		}
		await new Promise<void>((resolve, reject) => {
			const admit = () => {
				signal?.removeEventListener('abort', leave);
				resolve();
			};
			const leave = () => {
				this.#waiting.splice(this.#waiting.indexOf(admit), 1);
				reject(signal?.reason);
			};
			this.#waiting.push(admit);
			signal?.addEventListener('abort', leave, { once: true });
		});
		return this.#releaseOnce();
	}

	/** A place if one is free: for one who holds a place and could use another, and must not wait for it. */
	tryAcquire(): Release | undefined {
		if (this.#running >= this.size) return undefined;
		this.#running += 1;
		return this.#releaseOnce();
	}

	#releaseOnce(): Release {
		let released = false;
		return () => {
			if (released) return;
			released = true;
			const next = this.#waiting.shift();
			// The place goes straight to the next one, so that nobody overtakes.
			if (next) next();
			else this.#running -= 1;
		};
	}
}
