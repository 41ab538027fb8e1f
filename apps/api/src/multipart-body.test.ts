import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@facet/contracts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MultipartBody, type MultipartOptions, readMultipart } from './multipart-body.ts';

const MAX_BYTES = 1_000_000;
const BOUNDARY = 'x-boundary-x';
const TYPE = `multipart/form-data; boundary=${BOUNDARY}`;

type Reading = { readonly body?: MultipartBody; readonly content?: Buffer; readonly error?: unknown };

describe('readMultipart', () => {
	let directory: string;
	let server: Server;
	let url: string;
	let port: number;
	let options: Partial<MultipartOptions>;
	/** What came of each request, in the order of their ends. */
	let readings: Reading[];
	let onReading: () => void;

	beforeEach(async () => {
		directory = await mkdtemp(join(tmpdir(), 'facet-multipart-'));
		options = {};
		readings = [];
		onReading = () => {};
		server = createServer(async (request, response) => {
			try {
				const body = await readMultipart(request, { maxBytes: MAX_BYTES, directory, ...options });
				readings.push({ body, content: await readFile(body.file.path) });
				response.end('fine');
			} catch (error) {
				readings.push({ error });
				response.writeHead(error instanceof AppError ? error.status : 500).end(String(error));
			}
			request.resume();
			onReading();
		}).listen(0, '127.0.0.1');
		await once(server, 'listening');
		const address = server.address();
		if (typeof address !== 'object' || address === null) throw new Error('a TCP server without an address');
		port = address.port;
		url = `http://127.0.0.1:${port}/`;
	});

	afterEach(async () => {
		server.close();
		server.closeAllConnections();
		await rm(directory, { recursive: true });
	});

	const part = (disposition: string, content: string | Buffer, more = '') =>
		Buffer.concat([
			Buffer.from(`--${BOUNDARY}\r\nContent-Disposition: ${disposition}\r\n${more}\r\n`),
			Buffer.from(content),
			Buffer.from('\r\n'),
		]);
	const filePart = (content: string | Buffer) => part('form-data; name="file"; filename="a.jpg"', content);
	const END = Buffer.from(`--${BOUNDARY}--\r\n`);
	const post = (parts: Buffer[], headers: Record<string, string> = {}) =>
		fetch(url, { method: 'POST', headers: { 'Content-Type': TYPE, ...headers }, body: Buffer.concat(parts) });
	const refusal = async (response: Response) => [response.status, await response.text()];

	it('takes what a browser sends: a file, hashed, and fields as text', async () => {
		const bytes = randomBytes(300_000);
		const form = new FormData();
		form.append('num_frames', '12');
		form.append('file', new File([bytes], '../Ferien in Köln.mp4'));
		form.append('tag', 'Grüße');
		expect((await fetch(url, { method: 'POST', body: form })).status).toBe(200);
		const [{ body, content } = {}] = readings;
		expect(content?.equals(bytes)).toBe(true);
		expect(body).toMatchObject({
			file: {
				bytes: bytes.length,
				sha256: createHash('sha256').update(bytes).digest('hex'),
				filename: 'Ferien in Köln.mp4',
			},
			fields: { num_frames: '12', tag: 'Grüße' },
		});
		await body?.discard();
		await body?.discard();
		expect(await readdir(directory)).toEqual([]);
	});

	it('takes a file of exactly the limit, and one without a name', async () => {
		expect((await post([filePart(Buffer.alloc(MAX_BYTES)), END])).status).toBe(200);
		expect((await post([part('form-data; name="file"', 'x'), END])).status).toBe(200);
		expect(readings.map(({ body }) => body?.file.bytes)).toEqual([MAX_BYTES, 1]);
		expect(readings[1]?.body?.file).not.toHaveProperty('filename');
	});

	it('keeps the connection fit for the next request, whatever follows the end', async () => {
		const socket = connect(port, '127.0.0.1');
		let answers = '';
		socket.on('data', (chunk) => {
			answers += chunk.toString();
		});
		const body = Buffer.concat([filePart('x'), END, Buffer.from('an epilogue'.repeat(1000))]);
		const head = `POST / HTTP/1.1\r\nHost: a\r\nContent-Type: ${TYPE}\r\nContent-Length: ${body.length}\r\n\r\n`;
		for (let request = 1; request <= 3; request += 1) {
			const read = new Promise<void>((resolve) => {
				onReading = resolve;
			});
			socket.write(head);
			socket.write(body);
			await read;
			while (answers.split('fine').length <= request) await once(socket, 'data');
		}
		expect(readings.map(({ error }) => error)).toEqual([undefined, undefined, undefined]);
		socket.destroy();
	});

	describe('refuses', () => {
		afterEach(async () => {
			expect(await readdir(directory)).toEqual([]);
		});

		const form = 'form-data; name=';
		it.each<[string, Buffer[], string]>([
			['no file', [part(`${form}"tag"`, 'x')], 'file: expected a part with a file, received none'],
			['no part', [], 'file: expected a part with a file, received none'],
			['two files', [filePart('1'), filePart('2')], 'file: expected one file, received several'],
			['an empty file', [filePart('')], 'file: expected a file, received an empty one'],
			[
				'a file by another name',
				[part(`${form}"image"; filename="a.jpg"`, 'x')],
				'"image": expected no file but the part "file"',
			],
			[
				'a field that is too long',
				[filePart('x'), part(`${form}"tag"`, 'x'.repeat(16_385))],
				'"tag": expected at most 16384 bytes',
			],
			[
				'a field that comes twice',
				[part(`${form}"tag"`, '1'), part(`${form}"tag"`, '2'), filePart('x')],
				'"tag": expected once, received twice',
			],
			[
				'too many fields',
				Array.from({ length: 65 }, (_, index) => part(`${form}"f${index}"`, '')),
				'body: expected at most 64 fields',
			],
		])('%s', async (_name, parts, detail) => {
			expect(await refusal(await post([...parts, END]))).toEqual([
				400,
				`AppError: invalid_request: ${detail}`,
			]);
		});

		it('a file that is too long, announced or not', async () => {
			const tooLarge = [413, 'AppError: body_too_large: file: expected at most 1000000 bytes'];
			expect(await refusal(await post([filePart(Buffer.alloc(MAX_BYTES + 1)), END]))).toEqual(tooLarge);
			expect(await refusal(await post([filePart(Buffer.alloc(9_000_000)), END]))).toEqual(tooLarge);
			const chunks = [filePart(Buffer.alloc(5_000_000)), END];
			const streamed = await fetch(url, {
				method: 'POST',
				headers: { 'Content-Type': TYPE },
				body: new Response(ReadableStream.from(chunks)).body,
				duplex: 'half',
			});
			expect(await refusal(streamed)).toEqual(tooLarge);
		});

		it.each<[string, Buffer[]]>([
			['that stops in the file', [filePart('x')]],
			['that stops in a header', [Buffer.from(`--${BOUNDARY}\r\nContent-Disp`)]],
			['without its boundary', [Buffer.from('hello')]],
			['of no bytes', []],
		])('a body %s', async (_name, parts) => {
			const [status, text] = await refusal(await post(parts));
			expect([status, text]).toEqual([400, expect.stringContaining('malformed multipart/form-data')]);
		});

		it.each([
			['multipart/form-data', /expected multipart\/form-data with a boundary/],
			['multipart/form-data; charset=utf-8', /expected multipart\/form-data with a boundary/],
			['application/json', /expected multipart\/form-data with a boundary, received application\/json/],
		])('the type %s', async (type, detail) => {
			const response = await post([filePart('x'), END], { 'Content-Type': type });
			expect(await refusal(response)).toEqual([400, expect.stringMatching(detail)]);
		});

		it('a compressed body', async () => {
			const response = await post([filePart('x'), END], { 'Content-Encoding': 'gzip' });
			expect(await refusal(response)).toEqual([400, expect.stringContaining('Content-Encoding')]);
		});

		it('a client that goes away in the middle of the file', async () => {
			const read = new Promise<void>((resolve) => {
				onReading = resolve;
			});
			const request = httpRequest(url, { method: 'POST', headers: { 'Content-Type': TYPE } });
			request.on('error', () => {});
			request.write(filePart(Buffer.alloc(500_000)));
			while ((await readdir(directory)).length === 0) await new Promise(setImmediate);
			request.destroy();
			await read;
			expect(readings).toEqual([{ error: expect.objectContaining({ code: 'invalid_request' }) }]);
		});

		it('to go on when it is told to stop', async () => {
			const stop = new AbortController();
			options = { signal: stop.signal };
			const read = new Promise<void>((resolve) => {
				onReading = resolve;
			});
			const request = httpRequest(url, { method: 'POST', headers: { 'Content-Type': TYPE } });
			request.on('error', () => {});
			request.write(filePart(Buffer.alloc(500_000)));
			while ((await readdir(directory)).length === 0) await new Promise(setImmediate);
			const reason = new AppError('shutting_down');
			stop.abort(reason);
			await read;
			expect(readings).toEqual([{ error: reason }]);
			request.destroy();
		});

		it('a file that the disk does not take', async () => {
			options = { directory: join(directory, 'missing') };
			const response = await post([filePart(Buffer.alloc(500_000)), END]);
			expect(await refusal(response)).toEqual([503, expect.stringContaining('storage_unavailable')]);
		});
	});
});
