import { describe, expect, it } from 'vitest';
import { parseConfig } from './config.ts';
import { configurationMarkdown, environmentExample } from './reference.ts';

describe('parseConfig', () => {
	it('needs nothing: the defaults are a service on the loopback address', () => {
		const config = parseConfig({});
		expect(config.redis).toEqual({ url: 'redis://127.0.0.1:6379', prefix: '{facet}' });
		expect(config.api).toMatchObject({ host: '127.0.0.1', port: 8080, keys: [], syncTimeoutMs: 30_000 });
		expect(config.storage).toMatchObject({ driver: 'fs', linkTtlSeconds: 604_800 });
		expect(config.storage).not.toHaveProperty('signingKey');
		expect(config.worker.concurrency).toBe(2 * config.worker.inferenceThreads + 5);
	});

	it('reports all faults together, each by its variable, and shows no value', () => {
		const parse = () =>
			parseConfig({
				REDIS_URL: 'http://user:hunter2@host',
				API_PORT: '70000',
				SYNC_TIMEOUT_MS: 'soon',
				STORAGE_SIGNING_KEY: 'hunter2',
				S3_FORCE_PATH_STYLE: 'yes',
			});
		expect(parse).toThrow(/REDIS_URL: .*\n.*API_PORT: expected at most 65535\n.*SYNC_TIMEOUT_MS: /);
		expect(parse).toThrow(/S3_FORCE_PATH_STYLE: expected true or false/);
		expect(parse).not.toThrow(/hunter2/);
	});

	it('trusts no proxy but those of its own machine unless it is told to', () => {
		expect(parseConfig({}).api.trustedProxies).toEqual(['loopback']);
	});

	it.each([
		['none', []],
		[' 10.0.0.0/8, 2001:db8::/32 ', ['10.0.0.0/8', '2001:db8::/32']],
		['loopback,192.0.2.7', ['loopback', '192.0.2.7']],
	])('trusts the proxies of %j', (TRUSTED_PROXIES, expected) => {
		expect(parseConfig({ TRUSTED_PROXIES }).api.trustedProxies).toEqual(expected);
	});

	it.each([
		'private',
		'10.0.0.0/33',
		'10.0.0.0/0',
		'10.0.0.0/',
		'10.0.0.0/8/8',
		'none,loopback',
		'fe80::1%eth0',
	])('does not trust %j as a proxy', (TRUSTED_PROXIES) => {
		expect(() => parseConfig({ TRUSTED_PROXIES })).toThrow(/TRUSTED_PROXIES: expected addresses/);
	});

	it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com'])('demands a key to listen on %s', (API_HOST) => {
		expect(() => parseConfig({ API_HOST })).toThrow(/API_KEYS: expected at least one key/);
		expect(parseConfig({ API_HOST, API_KEYS: ' a , ,b' }).api.keys).toEqual(['a', 'b']);
	});

	it('listens to the world without keys of its own when every caller needs a stored one', () => {
		const { api } = parseConfig({ API_HOST: '0.0.0.0', REQUIRE_API_KEY: 'true' });
		expect(api).toMatchObject({ keys: [], requireKey: true });
		expect(() => parseConfig({ API_HOST: '0.0.0.0', REQUIRE_API_KEY: 'false' })).toThrow(/API_KEYS/);
	});

	it.each([24, 32, 64])('takes webhook secrets of %i bytes, several of them', (bytes) => {
		const padded = `whsec_${Buffer.alloc(bytes, 255).toString('base64')}`;
		const bare = padded.replace(/=+$/, '');
		const { webhooks } = parseConfig({ WEBHOOK_SECRET: `${padded}, ${bare}` });
		expect(webhooks.secrets).toEqual([padded, bare]);
	});

	it.each([
		['no prefix', Buffer.alloc(32).toString('base64')],
		['too short', `whsec_${Buffer.alloc(23).toString('base64')}`],
		['too long', `whsec_${Buffer.alloc(65).toString('base64')}`],
		['base64url', `whsec_${Buffer.alloc(33, 255).toString('base64url')}`],
		['a character too many', `whsec_${Buffer.alloc(33).toString('base64')}A`],
		['one of two', `whsec_${Buffer.alloc(32).toString('base64')},hunter2`],
	])('refuses a webhook secret with %s, and does not show it', (_, WEBHOOK_SECRET) => {
		const parse = () => parseConfig({ WEBHOOK_SECRET });
		expect(parse).toThrow(/WEBHOOK_SECRET: expected `whsec_` and 24 to 64 bytes in base64/);
		expect(parse).not.toThrow(WEBHOOK_SECRET.slice(-7));
	});

	it('demands a bucket for S3', () => {
		expect(() => parseConfig({ STORAGE_DRIVER: 's3' })).toThrow(/S3_BUCKET/);
	});

	it('reads the schedule of webhooks as milliseconds', () => {
		expect(parseConfig({}).webhooks.scheduleMs.slice(0, 4)).toEqual([0, 5000, 300_000, 1_800_000]);
		const { webhooks } = parseConfig({ WEBHOOK_RETRY_SCHEDULE: '0s, 20ms,3h' });
		expect(webhooks.scheduleMs).toEqual([0, 20, 10_800_000]);
		for (const schedule of ['soon', '5', '-1s', ',']) {
			expect(() => parseConfig({ WEBHOOK_RETRY_SCHEDULE: schedule })).toThrow(
				/WEBHOOK_RETRY_SCHEDULE.*: expected/,
			);
		}
	});

	it('takes execution providers in their order, and names the one that it does not know', () => {
		expect(parseConfig({}).worker.executionProviders).toEqual(['cpu']);
		const providers = 'cuda, cpu';
		expect(parseConfig({ ONNX_EXECUTION_PROVIDERS: providers }).worker.executionProviders).toEqual([
			'cuda',
			'cpu',
		]);
		expect(() => parseConfig({ ONNX_EXECUTION_PROVIDERS: 'cpu,gpu' })).toThrow(
			/ONNX_EXECUTION_PROVIDERS\.1: expected cpu, cuda, coreml, dml, openvino/,
		);
		expect(() => parseConfig({ ONNX_EXECUTION_PROVIDERS: ',' })).toThrow(/expected at least one/);
	});

	it('takes an empty value for not set', () => {
		expect(parseConfig({ API_PORT: '', PUBLIC_BASE_URL: '' }).api.port).toBe(8080);
	});

	it('drops the slash at the end of the public base', () => {
		expect(parseConfig({ PUBLIC_BASE_URL: 'https://faces.example.com/' }).api.publicBaseUrl).toBe(
			'https://faces.example.com',
		);
	});
});

describe('the reference', () => {
	it('describes every variable, with words for defaults that depend on the machine', () => {
		const rows = configurationMarkdown()
			.split('\n')
			.filter((line) => line.startsWith('| `'));
		expect(rows.length).toBeGreaterThan(30);
		for (const row of rows) expect(row).toMatch(/^\| `[A-Z0-9_]+` \| .*\| .+\. \|$|\. \|$/);
		expect(configurationMarkdown()).toContain('| `WORKER_CONCURRENCY` | `auto`: 2 × cores + 5 |');
	});

	it('gives an example file that changes nothing', () => {
		const active = environmentExample()
			.split('\n')
			.filter((line) => line !== '' && !line.startsWith('#'));
		expect(active).toEqual([]);
	});
});
