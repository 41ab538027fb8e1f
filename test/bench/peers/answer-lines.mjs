import { createInterface } from 'node:readline';

/**
 * Says who is there, and answers each line of JSON, a photo, with how long it took and how many faces there are.
 *
 * @param {{ name: string, version: string }} facts
 * @param {(photo: { path: string, width: number, height: number }) => Promise<number>} look
 */
export async function answerLines(facts, look) {
	const say = (/** @type {unknown} */ value) => process.stdout.write(`${JSON.stringify(value)}\n`);
	say(facts);
	for await (const line of createInterface({ input: process.stdin })) {
		const photo = JSON.parse(line);
		const startedAt = performance.now();
		const faces = await look(photo);
		say({ ms: performance.now() - startedAt, faces });
	}
}
