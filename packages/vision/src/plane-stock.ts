/**
 * Input tensors to use again. One for each look comes to megabytes a photo, which keeps the garbage collector busy.
 */
export class PlaneStock {
	readonly #length: number;
	readonly #free: Float32Array[] = [];

	/** @param length - values of a tensor. */
	constructor(length: number) {
		this.#length = length;
	}

	/**
	 * Runs `use`, which takes as many tensors as it wants and must not keep any. What was in them last is still there.
	 *
	 * There are never more of them than were taken at one time.
	 */
	async lend<T>(use: (take: () => Float32Array) => Promise<T>): Promise<T> {
		const lent: Float32Array[] = [];
		try {
			return await use(() => {
				const planes = this.#free.pop() ?? new Float32Array(this.#length);
				lent.push(planes);
				return planes;
			});
		} finally {
			this.#free.push(...lent);
		}
	}
}
