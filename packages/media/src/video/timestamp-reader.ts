/** Reads the timestamps of the frames that pass a point of ffmpeg's filters. */
export class TimestampReader {
	/**
	 * The filters at that point: they print a line for each frame to standard error. `print` takes only frames that have
	 * metadata, so one is added.
	 */
	readonly filters = [
		'metadata=mode=add:key=facet:value=1',
		"metadata=mode=print:file='pipe\\:2':direct=1",
	] as const;
	readonly #timestamps: number[] = [];
	#taken = 0;
	#ended = false;
	#wake: (() => void) | undefined;

	/** Takes a line of ffmpeg's standard error; false when it is not for this reader. */
	read(line: string): boolean {
		const timestamp = /^frame:\d+\s+pts:(-?\d+|NOPTS|\S+)/.exec(line)?.[1];
		if (timestamp === undefined) return false;
		this.#timestamps.push(Number(timestamp));
		this.#wake?.();
		return true;
	}

	/** No more lines will come. */
	end(): void {
		this.#ended = true;
		this.#wake?.();
	}

	/** The next frame's timestamp, in the stream's unit; NaN when it has none, undefined at the end. */
	async next(): Promise<number | undefined> {
		while (this.#taken === this.#timestamps.length && !this.#ended) {
			await new Promise<void>((resolve) => {
				this.#wake = resolve;
			});
		}
		const timestamp = this.#timestamps[this.#taken];
		this.#taken += 1;
		return timestamp;
	}
}
