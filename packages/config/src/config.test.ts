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
		expect(config.worker.concurrency).toBe(config.worker.inferenceThreads + 1);
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

	it.each(['0.0.0.0', '::', '10.0.0.1', 'example.com'])('demands a key to listen on %s', (API_HOST) => {
		expect(() => parseConfig({ API_HOST })).toThrow(/API_KEYS: expected at least one key/);
		expect(parseConfig({ API_HOST, API_KEYS: ' a , ,b' }).api.keys).toEqual(['a', 'b']);
	});

	it('demands a bucket for S3', () => {
		expect(() => parseConfig({ STORAGE_DRIVER: 's3' })).toThrow(/S3_BUCKET/);
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
		expect(configurationMarkdown()).toContain('| `WORKER_CONCURRENCY` | cores + 1 |');
	});

	it('gives an example file that changes nothing', () => {
		const active = environmentExample()
			.split('\n')
			.filter((line) => line !== '' && !line.startsWith('#'));
		expect(active).toEqual([]);
	});
});
