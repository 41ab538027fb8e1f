import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { isIPv4 } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '@facet/contracts';
import { AddressGuard, createSourceClient, download } from '@facet/media';
import { sendWebhook } from '@facet/webhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { inParallel } from '../support/in-parallel.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { Canary } from './canary.ts';
import { DnsServer } from './dns-server.ts';
import { SPECIAL_ADDRESSES } from './ssrf-targets.ts';

/** The one address that may be reached: it stands for the public internet. */
const PUBLIC_ADDRESS = '127.0.0.77';
const PRIVATE_ADDRESS = '127.0.0.1';

let dns: DnsServer;
let canary: Canary;
let server: Server;
let port: number;
let requests: string[];
let directory: string;
let client: ReturnType<typeof createSourceClient>;

beforeAll(async () => {
	dns = await DnsServer.start();
	directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
	server = createServer((request, response) => {
		requests.push(request.url ?? '');
		response.setHeader('connection', 'close');
		if (request.url?.startsWith('/again')) {
			const { host } = request.headers;
			response.writeHead(302, { location: `http://${host}/again/${requests.length}` }).end();
		} else {
			response.end('bytes');
		}
	});
	server.listen(0, PUBLIC_ADDRESS);
	await once(server, 'listening');
	const address = server.address();
	port = typeof address === 'object' && address !== null ? address.port : 0;
	// At the same port: the address is all that tells them apart.
	canary = await Canary.startBeside(port);
});

afterAll(async () => {
	server?.close();
	canary?.close();
	dns?.close();
	await rm(directory, { recursive: true, force: true });
});

beforeEach(() => {
	requests = [];
	canary.connections = 0;
	const guard = new AddressGuard([`${PUBLIC_ADDRESS}/32`], dns.lookupAll);
	client = createSourceClient(guard, { connectTimeoutMs: 5000, idleTimeoutMs: 5000 });
});

afterEach(async () => {
	await client.close();
});

/** Bytes that were downloaded, or the code of the error. */
async function fetchFrom(name: string, path = '/'): Promise<number | string> {
	const options = { client, maxBytes: 1000, timeoutMs: 10_000 };
	return download(`http://${name}:${port}${path}`, join(directory, name), options).then(
		({ bytes }) => bytes,
		(error: unknown) => AppError.from(error).code,
	);
}

async function postTo(name: string): Promise<string> {
	const headers = { 'webhook-id': 'msg_1', 'webhook-timestamp': '1', 'webhook-signature': 'v1,none' };
	const message = { url: `http://${name}:${port}/hook`, headers, body: '{}' };
	const outcome = await sendWebhook(message, { client, timeoutMs: 10_000 });
	return outcome.kind === 'failed' ? outcome.error : outcome.kind;
}

const isOfFamily = (address: string, family: 4 | 6) => isIPv4(address) === (family === 4);

it('the canary notices a guard that lets all pass', async () => {
	dns.zone = (_, family) => (family === 4 ? [PRIVATE_ADDRESS] : []);
	await client.close();
	const open = new AddressGuard(['0.0.0.0/0'], dns.lookupAll);
	client = createSourceClient(open, { connectTimeoutMs: 5000, idleTimeoutMs: 5000 });
	expect(await fetchFrom('open.example')).toBe('download_failed');
	expect(canary.connections).toBe(1);
});

describe('names', () => {
	it('that lead to an address which is not public are refused', async ({ task }) => {
		dns.zone = (name, family) => {
			const address = SPECIAL_ADDRESSES[Number(/^target-(\d+)\./.exec(name)?.[1])] ?? '';
			return isOfFamily(address, family) ? [address] : [];
		};
		const names = SPECIAL_ADDRESSES.map((_, index) => `target-${index}.example`);
		const ends = await inParallel(names, 16, async (name) => [await fetchFrom(name), await postTo(name)]);
		expect(ends).toEqual(names.map(() => ['url_blocked', 'blocked']));
		expect(canary.connections).toBe(0);
		reportCounts(task, { names: names.length, connections: canary.connections });
	});

	it('that lead to a public address are asked', async () => {
		dns.zone = (_, family) => (family === 4 ? [PUBLIC_ADDRESS] : []);
		expect(await fetchFrom('public.example')).toBe(5);
		expect(await postTo('public.example')).toBe('delivered');
	});

	it.each<[string, readonly string[]]>([
		['public, private', [PUBLIC_ADDRESS, PRIVATE_ADDRESS]],
		['private, public', [PRIVATE_ADDRESS, PUBLIC_ADDRESS]],
		['public, private in IPv6', [PUBLIC_ADDRESS, '::1']],
		['public, mapped', [PUBLIC_ADDRESS, '::ffff:127.0.0.1']],
		['many public, one not', [...Array<string>(20).fill(PUBLIC_ADDRESS), '169.254.169.254']],
	])('with several addresses (%s) are refused as a whole', async (_, addresses) => {
		dns.zone = (_name, family) => addresses.filter((address) => isOfFamily(address, family));
		expect(await fetchFrom('several.example')).toBe('url_blocked');
		expect(await postTo('several.example')).toBe('blocked');
		expect(requests).toEqual([]);
		expect(canary.connections).toBe(0);
	});
});

describe('names that change their address', () => {
	it('between two redirects are refused', async ({ task }) => {
		dns.zone = (_, family, count) => {
			if (family === 6) return [];
			return [count <= 2 ? PUBLIC_ADDRESS : PRIVATE_ADDRESS];
		};
		expect(await fetchFrom('rebinding.example', '/again')).toBe('url_blocked');
		expect(requests).toHaveLength(2);
		expect(canary.connections).toBe(0);
		reportCounts(task, { redirects: requests.length, connections: canary.connections });
	});

	it('from question to question never lead to a private one', async ({ task }) => {
		const names = Array.from({ length: 100 }, (_, index) => `flips-${index % 10}.example`);
		dns.zone = (_, family, count) =>
			family === 6 ? [] : [count % 2 === 0 ? PUBLIC_ADDRESS : PRIVATE_ADDRESS];
		const ends = await inParallel(names, 8, (name) => fetchFrom(name));
		for (const end of ends) expect([5, 'url_blocked']).toContain(end);
		expect(ends).toContain(5);
		expect(ends).toContain('url_blocked');
		expect(canary.connections).toBe(0);
		reportCounts(task, {
			downloads: ends.length,
			refused: ends.filter((end) => end === 'url_blocked').length,
			connections: canary.connections,
		});
	});

	it('are asked for once a connection: what is checked is what is connected to', async () => {
		// Public once, private for every further question.
		dns.zone = (_, family, count) => (family === 6 ? [] : [count === 1 ? PUBLIC_ADDRESS : PRIVATE_ADDRESS]);
		expect(await fetchFrom('once.example')).toBe(5);
		expect(dns.questions.get('once.example/4')).toBe(1);
		expect(canary.connections).toBe(0);
	});
});
