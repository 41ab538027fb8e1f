import { describe, expect, it } from 'vitest';
import { ndjsonLines } from './ndjson-lines.ts';

async function linesOf(chunks: readonly string[], maxLineBytes = 8): Promise<(string | undefined)[]> {
	const lines: (string | undefined)[] = [];
	async function* stream() {
		for (const chunk of chunks) yield Buffer.from(chunk);
	}
	for await (const { number, bytes } of ndjsonLines(stream(), maxLineBytes)) {
		lines.push(bytes && Buffer.from(bytes).toString());
		expect(number).toBe(lines.length);
	}
	return lines;
}

describe('ndjsonLines', () => {
	it.each<[string[], (string | undefined)[]]>([
		[['a\nb\n'], ['a', 'b']],
		[['a\nb'], ['a', 'b']],
		[
			['a', 'b\nc', '\n', '\nd'],
			['ab', 'c', '', 'd'],
		],
		[[], []],
		[['\n'], ['']],
		[['12345678\n123456789\na'], ['12345678', undefined, 'a']],
		[
			['12345', '67890', '12345', '\nab'],
			[undefined, 'ab'],
		],
		[['123456789'], [undefined]],
	])('cuts %j into %j', async (chunks, lines) => {
		expect(await linesOf(chunks)).toEqual(lines);
	});
});
