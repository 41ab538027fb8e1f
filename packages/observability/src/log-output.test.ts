import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';

const LOGGER = new URL('../dist/index.js', import.meta.url);

/**
 * Runs a program that logs.
 *
 * @param answerTo - messages which the program waits for its parent to have seen: it gets a byte for each.
 * @returns what it has written, by the writes that came.
 */
async function writesOf(program: string, answerTo: readonly string[] = []): Promise<string[]> {
	const text = `
		import { readSync } from 'node:fs';
		import { createLogger } from '${LOGGER}';
		const log = createLogger('test', { level: 'info' });
		${program}`;
	const child = spawn(process.execPath, ['--input-type=module', '-e', text], {
		stdio: ['pipe', 'pipe', 'ignore'],
	});
	const writes: string[] = [];
	child.stdout.on('data', (chunk: Buffer) => {
		writes.push(chunk.toString());
		for (const message of messages([chunk.toString()]))
			if (answerTo.includes(message)) child.stdin.write('.');
	});
	await once(child, 'close');
	return writes;
}

function messages(writes: readonly string[]): string[] {
	const lines = writes.join('').trim().split('\n');
	return lines.map((line) => JSON.parse(line).msg);
}

it('writes lines that come together in one go', async () => {
	const writes = await writesOf("for (let i = 0; i < 20; i++) log.info('line ' + i);");
	expect(writes).toHaveLength(1);
	expect(messages(writes)).toEqual(Array.from({ length: 20 }, (_, index) => `line ${index}`));
});

it('writes a warning at once, with what came before it', async () => {
	// No timer fires while a program waits like this.
	const program = "log.info('one'); log.warn('two'); readSync(0, Buffer.alloc(1)); log.info('three');";
	const writes = await writesOf(program, ['two']);
	expect(writes.map((text) => messages([text]))).toEqual([['one', 'two'], ['three']]);
});

it('lets no line wait for another one', async () => {
	const program =
		"log.info('one'); process.stdin.once('data', () => { log.info('two'); process.stdin.destroy(); });";
	expect(messages(await writesOf(program, ['one']))).toEqual(['one', 'two']);
});

it.each(['process.exit(0)', "throw new Error('on purpose')"])('loses nothing by %s', async (end) => {
	expect(messages(await writesOf(`log.info('last words'); ${end};`))).toEqual(['last words']);
});
