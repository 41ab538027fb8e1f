import { AppError, type Fault } from '@facet/contracts';

/** Where something of a batch stands: a line of NDJSON, or a JSON pointer into the body. */
export type BatchPlace = { readonly line: number } | { readonly pointer: string };

/** Enough to see what is wrong with a file; an answer of 10,000 faults nobody reads. */
const MAX_LISTED = 100;

/** Collects what is wrong with a batch, so that its sender hears of everything at once. */
export class BatchFaults {
	readonly #listed: Fault[] = [];
	#count = 0;

	/**
	 * Takes down what was thrown on an item, or throws it again when it is no fault of the item.
	 *
	 * @param thrown - its own faults have pointers into the item.
	 */
	add(thrown: unknown, place: BatchPlace): void {
		if (!(thrown instanceof AppError) || thrown.status >= 500 || thrown.retryable) throw thrown;
		const faults: readonly Fault[] = thrown.faults ?? [{ detail: thrown.detail ?? thrown.publicMessage }];
		for (const fault of faults) {
			this.#count += 1;
			if (this.#listed.length < MAX_LISTED) this.#listed.push(placed(fault, place));
		}
	}

	get any(): boolean {
		return this.#count > 0;
	}

	/** @throws AppError `invalid_request` with the faults. */
	throwIfAny(): void {
		if (!this.any) return;
		const more = this.#count - this.#listed.length;
		const listed = more > 0 ? `; the first ${MAX_LISTED} are listed, ${more} more are not` : '';
		throw new AppError('invalid_request', {
			detail: `expected a batch without faults, received one with ${this.#count}${listed}`,
			faults: this.#listed,
		});
	}
}

function placed({ detail, pointer }: Fault, place: BatchPlace): Fault {
	if ('line' in place) return { detail, line: place.line, ...(pointer && { pointer }) };
	return { detail, pointer: place.pointer + (pointer ?? '') };
}
