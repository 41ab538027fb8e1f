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
	 * Runs `use` with a tensor, which it must not keep. What was in it last is still there.
	 *
	 * There are never more of them than were lent at one time.
	 */
	async lend<T>(use: (planes: Float32Array) => Promise<T>): Promise<T> {
		const planes = this.#free.pop() ?? new Float32Array(this.#length);
		try {
			return await use(planes);
		} finally {
			this.#free.push(planes);
		}
	}
}
