import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { brotliCompressSync, createGzip, deflateSync, gzipSync } from 'node:zlib';
import type { ErrorCode } from '@facet/contracts';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Facet } from '../support/facet.ts';
import { startHttpServer, type TestServer } from '../support/http-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';

let facet: Facet;
let server: TestServer;
let photo: Buffer;
/** The photo as each content encoding has it: made once, since Brotli's best takes longer than the idle timeout below. */
let encoded: Record<'gzip' | 'deflate' | 'br', Buffer>;
const requests: string[] = [];

beforeAll(async () => {
	photo = await samplePhoto(1);
	encoded = { gzip: gzipSync(photo), deflate: deflateSync(photo), br: brotliCompressSync(photo) };
	server = await startHttpServer((request, response) => {
		const path = request.url ?? '';
		requests.push(path);
		const [, name = '', argument = ''] = path.split('/');
		switch (name) {
			case 'photo':
				return response.end(photo);
			case 'redirects':
				if (Number(argument) === 0) return response.end(photo);
				return response.writeHead(302, { location: `/redirects/${Number(argument) - 1}` }).end('moved');
			case 'redirect-to':
				return response.writeHead(307, { location: decodeURIComponent(argument) }).end();
			case 'status':
				return response.writeHead(Number(argument)).end('no');
			case 'gzip':
			case 'deflate':
			case 'br':
				return response.writeHead(200, { 'content-encoding': name }).end(encoded[name]);
			case 'unknown-encoding':
				return response.writeHead(200, { 'content-encoding': 'exotic' }).end(photo);
			case 'bomb': {
				response.writeHead(200, { 'content-encoding': 'gzip' });
				const gzip = createGzip();
				gzip.pipe(response);
				const zeros = Buffer.alloc(1024 * 1024);
				for (let megabytes = 0; megabytes < 64; megabytes += 1) gzip.write(zeros);
				return gzip.end();
			}
			case 'endless': {
				const chunk = Buffer.alloc(64 * 1024);
				const write = () => {
					while (!response.destroyed && response.write(chunk));
				};
				response.on('drain', write);
				return write();
			}
			case 'claims-too-much':
				return response.writeHead(200, { 'content-length': 1e9 }).write('x');
			case 'cut-off':
				response.writeHead(200, { 'content-length': photo.length });
				return response.write(photo.subarray(0, 1000), () => response.destroy());
			case 'silent':
				return undefined;
			case 'drips': {
				const timer = setInterval(() => response.write('x'), 50);
				return response.on('close', () => clearInterval(timer));
			}
			case 'stalls':
				return response.write(photo.subarray(0, 1000));
			default:
				return response.writeHead(404).end();
		}
	});
	facet = await Facet.start(inject('redisUrl'), {
		MAX_SOURCE_BYTES: '8000000',
		DOWNLOAD_IDLE_TIMEOUT_MS: '700',
		DOWNLOAD_TIMEOUT_MS: '4000',
		JOB_ATTEMPTS: '1',
	});
});

afterAll(async () => {
	await facet?.stop();
	await server?.close();
});

async function expectDownloadError(url: string, code: ErrorCode, detail?: RegExp): Promise<void> {
	const { status, body } = await facet.detect({ url });
	expect(body).toMatchObject({
		error_code: 1,
		error_msg: 'Failed to download media from URL',
		faces_obj: {},
		error: { code },
	});
	expect(status).toBe(400);
	if (detail) expect(body.error.detail).toMatch(detail);
}

async function expectThreeFaces(path: string): Promise<void> {
	const { body } = await facet.detect({ url: server.url + path });
	expect(body).toMatchObject({ error_code: 0, faces_obj: { '0': { region: { length: 3 } } } });
}

describe('a photo is downloaded', () => {
	it.each(['/photo', '/redirects/1', '/redirects/5', '/gzip', '/deflate', '/br'])('from %s', async (path) => {
		await expectThreeFaces(path);
	});

	it('from a redirect to another host', async () => {
		await expectThreeFaces(`/redirect-to/${encodeURIComponent(`${server.url}/photo`)}`);
	});
});

describe('a download fails', () => {
	it.each<[string, ErrorCode, RegExp?]>([
		['/status/404', 'download_failed', /answered 404/],
		['/status/500', 'download_failed', /answered 500/],
		['/redirects/6', 'download_failed', /more than 5 redirects/],
		['/unknown-encoding', 'download_failed', /unknown content encoding/],
		['/cut-off', 'download_failed'],
		['/silent', 'download_timeout'],
		['/stalls', 'download_timeout'],
		['/drips', 'download_timeout'],
		['/bomb', 'too_large', /at most 8000000 bytes/],
		['/endless', 'too_large'],
		['/claims-too-much', 'too_large'],
	])('%s: %s', async (path, code, detail) => {
		await expectDownloadError(server.url + path, code, detail);
	});

	it('a host that does not exist, and a port where nobody listens', async () => {
		await expectDownloadError('http://no-such-host.invalid/photo.jpg', 'download_failed');
		await expectDownloadError('http://127.0.0.1:9/photo.jpg', 'download_failed');
	});
});

describe('the guard', () => {
	let guarded: Facet;
	let canary: Server;
	let port: number;
	let connections = 0;

	beforeAll(async () => {
		// Only the test's own server may be reached, at its own address; the canary listens on another one.
		guarded = await Facet.start(inject('redisUrl'), {
			SOURCE_ALLOW_NETWORKS: '127.0.0.1/32',
			JOB_ATTEMPTS: '1',
		});
		canary = createServer((socket) => {
			connections += 1;
			socket.destroy();
		}).listen(0, '0.0.0.0');
		await once(canary, 'listening');
		const address = canary.address();
		port = typeof address === 'object' && address !== null ? address.port : 0;
	});

	afterAll(async () => {
		await guarded?.stop();
		canary?.close();
	});

	it.each([
		'127.0.0.2',
		'[::1]',
		'2130706434',
		'0x7f000002',
		'0177.0.0.2',
		'127.2',
		'0.0.0.0',
		'10.0.0.1',
		'169.254.169.254',
		'100.64.0.1',
		'[::ffff:127.0.0.2]',
		'[64:ff9b::7f00:2]',
		'[fd00::1]',
		'[fe80::1]',
		'ip6-localhost',
	])('refuses %s, as URL and behind a redirect', async (host) => {
		const target = `http://${host}:${port}/`;
		for (const url of [target, `${server.url}/redirect-to/${encodeURIComponent(target)}`]) {
			const { status, body } = await guarded.detect({ url });
			expect(body.error).toMatchObject({
				code: host === 'ip6-localhost' ? expect.any(String) : 'url_blocked',
			});
			expect(body.error_msg).toBe('Failed to download media from URL');
			expect(status).toBe(400);
		}
		expect(connections).toBe(0);
	});

	it('refuses a redirect to another scheme', async () => {
		const url = `${server.url}/redirect-to/${encodeURIComponent('file:///etc/passwd')}`;
		const { body } = await guarded.detect({ url });
		expect(body.error.code).toBe('url_blocked');
	});

	it('keeps the query of a URL, where signatures stand, out of the log', async () => {
		await guarded.detect({ url: `${server.url}/photo?signature=very-secret` });
		expect(requests).toContain('/photo?signature=very-secret');
		expect(guarded.logs).toContain('/photo');
		expect(guarded.logs).not.toContain('very-secret');
	});
});
