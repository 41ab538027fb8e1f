/** A line without its end. */
export interface NdjsonLine {
	/** From 1. */
	readonly number: number;
	/** Undefined for a line that is longer than allowed. */
	readonly bytes: Uint8Array | undefined;
}

const LINE_FEED = 0x0a;

/**
 * Cuts a stream into lines, blank ones included. No more than one line and one chunk is held, however long the lines are.
 *
 * @param maxLineBytes - of a line without its end.
 */
export async function* ndjsonLines(
	chunks: AsyncIterable<Uint8Array>,
	maxLineBytes: number,
): AsyncGenerator<NdjsonLine, void> {
	let held: Uint8Array[] = [];
	let length = 0;
	let number = 0;
	const hold = (part: Uint8Array) => {
		length += part.length;
		if (length <= maxLineBytes) held.push(part);
		else held = [];
	};
	const take = (): NdjsonLine => {
		const bytes = length > maxLineBytes ? undefined : Buffer.concat(held);
		held = [];
		length = 0;
		number += 1;
		return { number, bytes };
	};
	for await (const chunk of chunks) {
		let start = 0;
		for (let end = chunk.indexOf(LINE_FEED); end !== -1; end = chunk.indexOf(LINE_FEED, start)) {
			hold(chunk.subarray(start, end));
			yield take();
			start = end + 1;
		}
		if (start < chunk.length) hold(chunk.subarray(start));
	}
	if (length > 0) yield take();
}
