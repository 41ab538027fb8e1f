import { createHash } from 'node:crypto';

/** Numbers from 0 to before 1 that follow from a name: the same ones each time. */
function randomFrom(name: string): () => number {
	let drawn = 0;
	return () => {
		drawn += 1;
		return createHash('sha256').update(`${name} ${drawn}`).digest().readUInt32BE(0) / 2 ** 32;
	};
}

/** Lengths, counts and offsets that programs are not ready for. */
const EXTREMES = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_fff0, 0xffff_ffff];
/** Where formats keep what they say of themselves. */
const HEADER_BYTES = 600;

type Mutation = (bytes: Buffer, random: (below: number) => number, other: Buffer) => Buffer;

const MUTATIONS: readonly Mutation[] = [
	function flipBits(bytes, random) {
		for (let flips = 1 + random(20); flips > 0; flips -= 1) {
			const at = random(bytes.length);
			bytes[at] = (bytes[at] ?? 0) ^ (1 << random(8));
		}
		return bytes;
	},
	function truncate(bytes, random) {
		return bytes.subarray(0, 1 + random(bytes.length));
	},
	function changeHeader(bytes, random) {
		for (let changes = 1 + random(4); changes > 0; changes -= 1) {
			bytes[random(Math.min(HEADER_BYTES, bytes.length))] = random(256);
		}
		return bytes;
	},
	function claimExtremes(bytes, random) {
		if (bytes.length < 8) return bytes;
		const at = random(Math.min(random(2) === 0 ? HEADER_BYTES : bytes.length, bytes.length) - 4);
		const value = EXTREMES[random(EXTREMES.length)] ?? 0;
		if (random(2) === 0) bytes.writeUInt32BE(value, Math.max(0, at));
		else bytes.writeUInt32LE(value, Math.max(0, at));
		return bytes;
	},
	function splice(bytes, random, other) {
		const start = random(bytes.length);
		const from = random(other.length);
		const piece = other.subarray(from, from + random(4096));
		return Buffer.concat([bytes.subarray(0, start), piece, bytes.subarray(start + random(4096))]);
	},
	function repeat(bytes, random) {
		const start = random(bytes.length);
		const piece = bytes.subarray(start, start + 1 + random(2048));
		return Buffer.concat([
			bytes.subarray(0, start),
			...Array(2 + random(6)).fill(piece),
			bytes.subarray(start),
		]);
	},
	function blank(bytes, random) {
		const start = random(bytes.length);
		return bytes.fill(random(2) * 0xff, start, Math.min(bytes.length, start + random(2048)));
	},
];

/** One of the files, changed in one to three ways; which, and how, follows from the seed and the number. */
export function mutant(files: readonly Buffer[], seed: number, number: number): Buffer {
	const uniform = randomFrom(`${seed} ${number}`);
	const random = (below: number) => Math.floor(uniform() * below);
	const pick = () => files[random(files.length)] ?? Buffer.alloc(0);
	let bytes: Buffer = Buffer.from(pick());
	for (let changes = 1 + random(3); changes > 0; changes -= 1) {
		bytes = MUTATIONS[random(MUTATIONS.length)]?.(bytes, random, pick()) ?? bytes;
	}
	return bytes;
}
