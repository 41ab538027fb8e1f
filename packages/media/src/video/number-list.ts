/** Numbers in one block of memory that doubles as it fills: eight bytes each, where an array of values takes more. */
export class NumberList {
	#values = new Float64Array(1024);
	#length = 0;

	get length(): number {
		return this.#length;
	}

	push(value: number): void {
		if (this.#length === this.#values.length) {
			const larger = new Float64Array(this.#values.length * 2);
			larger.set(this.#values);
			this.#values = larger;
		}
		this.#values[this.#length] = value;
		this.#length += 1;
	}

	/** The value at an index, NaN beyond the end. */
	at(index: number): number {
		return index < this.#length ? (this.#values[index] ?? Number.NaN) : Number.NaN;
	}

	/** The values, without a copy. */
	toArray(): Float64Array {
		return this.#values.subarray(0, this.#length);
	}
}
