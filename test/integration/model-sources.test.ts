import { execFile } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { startHttpServer, type TestServer } from '../support/http-server.ts';
import { zipArchive } from '../support/zip-archive.ts';

/** Networks from a vendor's zip, from a file somebody brought, through a proxy, and under a licence to accept. */

const command = fileURLToPath(new URL('../../scripts/models.mjs', import.meta.url));
const execute = promisify(execFile);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

/** Half of it deflates, half does not, as with real weights. */
const network = Buffer.concat([randomBytes(150_000), Buffer.alloc(150_000, 'weights')]);
const small = randomBytes(20_000);
const zip = zipArchive(
	[
		{ name: 'pack/other.onnx', bytes: randomBytes(400_000) },
		{ name: 'pack/det.onnx', bytes: network },
		{ name: 'rec.onnx', bytes: small, stored: true },
	],
	'a comment at the end',
);

interface Answers {
	readonly doesRanges?: boolean;
	/** Breaks the connection of this many large answers half way. */
	readonly breaks?: number;
}

let dir: string;
let modelsDir: string;
let server: TestServer | undefined;
let asked: string[];
let sentBytes: number;

beforeEach(async () => {
	dir = await mkdtemp(join(tmpdir(), 'facet-model-sources-'));
	modelsDir = join(dir, 'models');
	await mkdir(modelsDir);
	asked = [];
	sentBytes = 0;
});

afterEach(async () => {
	await server?.close();
	server = undefined;
	await rm(dir, { recursive: true, force: true });
});

/** Serves the zip, and lists it in `MODELS.json`. */
async function serve(body: Buffer = zip, { doesRanges = true, breaks = 0 }: Answers = {}) {
	let left = breaks;
	server = await startHttpServer((incoming: IncomingMessage, response: ServerResponse) => {
		const range = /^bytes=(\d+)-(\d*)$/.exec(incoming.headers.range ?? '');
		asked.push(incoming.headers.range ?? 'all');
		const start = doesRanges && range ? Number(range[1]) : 0;
		const end = doesRanges && range?.[2] ? Number(range[2]) + 1 : body.length;
		const part = body.subarray(start, end);
		const isPartial = doesRanges && range !== null;
		response.writeHead(isPartial ? 206 : 200, {
			'content-length': part.length,
			...(isPartial ? { 'content-range': `bytes ${start}-${end - 1}/${body.length}` } : {}),
		});
		if (left > 0 && part.length > 100_000) {
			left--;
			response.write(part.subarray(0, part.length / 2));
			void vi.waitFor(partIsThere).finally(() => response.destroy());
			return;
		}
		sentBytes += part.length;
		response.end(part);
	});
	await list(server.url);
	return server.url;
}

/** Resolves when some of a file has come down. */
async function partIsThere(): Promise<void> {
	const cache = join(modelsDir, '.cache');
	const sizes = await Promise.all(
		(await readdir(cache)).map(async (name) => (await stat(join(cache, name))).size),
	);
	expect(Math.max(...sizes)).toBeGreaterThan(0);
}

async function list(url: string, override: object = {}) {
	const model = (name: string, entry: string, bytes: Buffer) => ({
		name,
		description: `network ${name}`,
		source: { type: 'zip', url: `${url}/pack.zip`, sha256: sha256(zip), entry },
		file: `${name}.onnx`,
		bytes: bytes.length,
		sha256: sha256(bytes),
		licence: 'MIT',
		...override,
	});
	const manifest = {
		packs: {},
		models: [model('det', 'det.onnx', network), model('rec', 'rec.onnx', small)],
	};
	await writeFile(join(modelsDir, 'MODELS.json'), JSON.stringify(manifest));
}

/** Runs the command with nothing in its environment but `env`: the machine may have a proxy of its own. */
function run(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
	return execute(process.execPath, [command, '--models-dir', modelsDir, ...args], { env });
}

const installed = (name: string) => readFile(join(modelsDir, `${name}.onnx`));

describe('from a zip on the web', () => {
	test('fetches the directory and the wanted file, and nothing else', async () => {
		await serve();
		await run(['det', 'rec']);
		expect(sha256(await installed('det'))).toBe(sha256(network));
		expect(sha256(await installed('rec'))).toBe(sha256(small));
		expect(await readdir(modelsDir)).not.toContain('.cache');
		// The zip's end is read twice, 64 kB each; the file of 400 kB is not.
		expect(sentBytes).toBeLessThan(zip.length - 200_000);
	});

	test('goes on where the connection broke', async () => {
		await serve(zip, { breaks: 1 });
		await run(['det']);
		expect(sha256(await installed('det'))).toBe(sha256(network));
		const [first, second] = asked.slice(-2).map((range) => Number(/\d+/.exec(range)?.[0]));
		expect(second).toBeGreaterThan(first ?? Number.NaN);
	});

	test('begins again when what an earlier run left is of another file', async () => {
		await serve();
		await mkdir(join(modelsDir, '.cache'));
		// Beyond every system's highest process id.
		await writeFile(join(modelsDir, '.cache', 'det.onnx.packed.99999999.part'), randomBytes(50_000));
		await run(['det']);
		expect(sha256(await installed('det'))).toBe(sha256(network));
	});

	test('fetches the whole zip when the server does no ranges, and checks its hash', async () => {
		const url = await serve(zip, { doesRanges: false });
		await run(['det']);
		expect(sha256(await installed('det'))).toBe(sha256(network));
		await rm(join(modelsDir, 'det.onnx'));
		const wrong = '0'.repeat(64);
		await list(url, { source: { type: 'zip', url: `${url}/pack.zip`, sha256: wrong, entry: 'det.onnx' } });
		await expect(run(['det'])).rejects.toMatchObject({
			stderr: expect.stringContaining(`expected sha256 ${wrong}, got ${sha256(zip)}`),
		});
		expect(await readdir(join(modelsDir, '.cache'))).toEqual([]);
	});

	test('refuses a file with a wrong hash', async () => {
		const changed = Buffer.from(network);
		changed[7] = (changed[7] ?? 0) ^ 1;
		await serve(zipArchive([{ name: 'det.onnx', bytes: changed }]));
		await expect(run(['det'])).rejects.toMatchObject({
			code: 1,
			stderr: expect.stringContaining(`expected sha256 ${sha256(network)}, got ${sha256(changed)}`),
		});
		expect(await readdir(modelsDir)).not.toContain('det.onnx');
	});

	test('refuses a file that inflates to more than the zip says', async () => {
		const large = Buffer.concat([network, Buffer.alloc(5_000_000)]);
		await serve(zipArchive([{ name: 'det.onnx', bytes: large, statedBytes: network.length }]));
		await expect(run(['det'])).rejects.toMatchObject({
			stderr: expect.stringContaining(`is longer than the ${network.length} bytes expected`),
		});
	});

	test('names the files of a zip that lacks the wanted one, and says when it is no zip', async () => {
		await serve(zipArchive([{ name: 'a.onnx', bytes: small }]));
		await expect(run(['det'])).rejects.toMatchObject({
			stderr: expect.stringContaining('The zip has no det.onnx, or several; it has a.onnx'),
		});
		await server?.close();
		await serve(randomBytes(1000));
		await expect(run(['det'])).rejects.toMatchObject({
			stderr: expect.stringContaining('Expected a zip, but its end is not that of one'),
		});
	});
});

describe('from a file', () => {
	beforeEach(() => list('http://127.0.0.1:9'));

	test('takes networks out of the vendor’s zip', async () => {
		await writeFile(join(dir, 'pack.zip'), zip);
		await run(['det', 'rec', '--from', join(dir, 'pack.zip')]);
		expect(sha256(await installed('det'))).toBe(sha256(network));
		expect(sha256(await installed('rec'))).toBe(sha256(small));
	});

	test('takes the network itself, when it is the right one', async () => {
		await writeFile(join(dir, 'x.onnx'), small);
		await run(['rec', '--from', join(dir, 'x.onnx')]);
		expect(sha256(await installed('rec'))).toBe(sha256(small));
		await expect(run(['det', '--from', join(dir, 'x.onnx')])).rejects.toMatchObject({
			stderr: expect.stringContaining(`expected ${network.length} bytes, got ${small.length}`),
		});
	});
});

test('a licence that is not free is shown, and has to be accepted', async () => {
	const url = await serve();
	await list(url, { licence: 'research only', free: false, licenceText: 'Not for\nshops.' });
	await expect(run(['rec'])).rejects.toMatchObject({
		code: 1,
		stderr: expect.stringMatching(/rec: research only\n\nNot for\nshops\.\n.*--accept-license/),
	});
	expect(asked).toEqual([]);
	await run(['rec', '--accept-license']);
	expect(sha256(await installed('rec'))).toBe(sha256(small));
	// It was accepted when it was fetched.
	expect((await run(['rec'])).stdout).toContain('1 already there');
});

describe('through a proxy', () => {
	test('HTTP_PROXY is used, and NO_PROXY makes an exception', async () => {
		const url = await serve();
		await list('http://networks.test', {});
		const tunnels: string[] = [];
		const proxy = createServer((incoming, response) => {
			tunnels.push(incoming.url ?? '');
			const path = new URL(incoming.url ?? '').pathname;
			incoming.pipe(
				request(`${url}${path}`, { headers: incoming.headers }, (answer) => {
					response.writeHead(answer.statusCode ?? 502, answer.headers);
					answer.pipe(response);
				}),
			);
		});
		proxy.on('connect', (incoming, socket) => {
			tunnels.push(incoming.url ?? '');
			socket.write('HTTP/1.1 200 OK\r\n\r\n');
			// The tunnel ends at the test's server, whatever name it was opened for.
			proxyTo(url, socket);
		});
		await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
		const address = proxy.address();
		const port = typeof address === 'object' && address !== null ? address.port : 0;
		try {
			await run(['rec'], { HTTP_PROXY: `http://127.0.0.1:${port}` });
			expect(tunnels.length).toBeGreaterThan(0);
			expect(sha256(await installed('rec'))).toBe(sha256(small));
			const before = tunnels.length;
			await list(url);
			await run(['det'], { HTTP_PROXY: `http://127.0.0.1:${port}`, NO_PROXY: '127.0.0.1' });
			expect(tunnels).toHaveLength(before);
		} finally {
			proxy.closeAllConnections();
			await new Promise((resolve) => proxy.close(resolve));
		}
	});
});

function proxyTo(url: string, socket: NodeJS.ReadWriteStream): void {
	const { hostname, port } = new URL(url);
	const upstream = connect(Number(port), hostname);
	socket.pipe(upstream).pipe(socket);
	upstream.on('error', () => socket.end());
	socket.on('error', () => upstream.destroy());
}
