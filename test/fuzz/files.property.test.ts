import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@facet/contracts';
import { sniffMedia } from '@facet/media';
import { findModel } from '@facet/vision';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { zipArchive } from '../support/zip-archive.ts';

fc.configureGlobal({ seed: 6, numRuns: 300 });

let directory: string;

beforeAll(async () => {
	directory = await mkdtemp(join(tmpdir(), 'facet-fuzz-'));
});

afterAll(async () => {
	await rm(directory, { recursive: true, force: true });
});

const SIGNATURES = [
	...['ffd8ffe0', '89504e470d0a1a0a0000000d49484452', '474946383961', '49492a0008000000', '424d', '52494646'],
	...['00000018667479706d703432', '00000018667479706865696300000000', '1a45dfa3', '4f676753', '464c5601'],
	...['3026b2758e66cf11', '47', '000001ba', '494433', 'fffb', '25504446', '504b0304', '1f8b08', '3c737667'],
];

it('files of any bytes have a type or none', async () => {
	const bytes = fc
		.tuple(fc.constantFrom('', ...SIGNATURES), fc.uint8Array({ maxLength: 600 }))
		.map(([signature, rest]) => Buffer.concat([Buffer.from(signature, 'hex'), rest]));
	const path = join(directory, 'sniffed');
	await fc.assert(
		fc.asyncProperty(bytes, async (content) => {
			await writeFile(path, content);
			try {
				expect(['image', 'video']).toContain((await sniffMedia(path)).kind);
			} catch (error) {
				if (!(error instanceof AppError)) throw error;
				expect(['unsupported_format', 'no_video_stream', 'corrupt_media']).toContain(error.code);
			}
		}),
	);
});

it('a MODELS.json of any content has the network or is refused by its name', async () => {
	const field = fc.constantFrom('packs', 'models', 'name', 'kind', 'file', 'input', '__proto__');
	const json = fc.letrec<{ value: unknown }>((tie) => ({
		value: fc.oneof(
			{ maxDepth: 4 },
			fc.constantFrom<unknown>('ultraface', 1, null, true),
			fc.array(tie('value'), { maxLength: 3 }),
			fc.array(fc.tuple(field, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
		),
	})).value;
	await fc.assert(
		fc.asyncProperty(
			fc.oneof(
				json.map((value) => JSON.stringify(value)),
				fc.string(),
			),
			async (text) => {
				await writeFile(join(directory, 'MODELS.json'), text);
				await expect(findModel(directory, 'ultraface')).rejects.toThrow(/MODELS\.json|weights/);
			},
		),
	);
});

type ReadRange = (start: number, length: number) => Promise<Buffer>;
interface ZipReader {
	findZipEntry(read: ReadRange, size: number, wanted: string): Promise<{ readonly name: string }>;
}

it('a zip that is changed anywhere has the file or is refused', async () => {
	const script = new URL('../../scripts/models/zip-directory.mjs', import.meta.url);
	const { findZipEntry }: ZipReader = await import(script.href);
	const whole = zipArchive([
		{ name: 'a.txt', bytes: Buffer.from('a') },
		{ name: 'folder/network.onnx', bytes: Buffer.alloc(300, 7) },
	]);
	const change = fc.tuple(fc.nat(whole.length - 1), fc.integer({ min: 0, max: 255 }));
	await fc.assert(
		fc.asyncProperty(fc.array(change, { maxLength: 8 }), fc.nat(whole.length), async (changes, cut) => {
			const bytes = Buffer.from(whole.subarray(0, changes.length % 2 === 0 ? cut : whole.length));
			for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
			const read: ReadRange = async (start, length) => bytes.subarray(start, start + length);
			try {
				expect(await findZipEntry(read, bytes.length, 'network.onnx')).toMatchObject({
					name: expect.stringContaining('network.onnx'),
				});
			} catch (error) {
				expect(error).toMatchObject({ name: 'Failure' });
			}
		}),
		{ numRuns: 1000 },
	);
});
