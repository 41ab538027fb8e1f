/** The lines of a body as they come, without their ends. What is behind the last end is no line: it was cut off. */
export async function* textLines(body: ReadableStream<Uint8Array>): AsyncGenerator<string, void> {
	let rest = '';
	for await (const text of body.pipeThrough(new TextDecoderStream())) {
		const lines = (rest + text).split(/\r?\n/);
		rest = lines.pop() ?? '';
		yield* lines;
	}
}
