import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Facet } from '../support/facet.ts';
import { ServiceProcess } from '../support/service-process.ts';

describe('API keys', () => {
	let facet: Facet;

	beforeAll(async () => {
		facet = await Facet.start(inject('redisUrl'), { API_KEYS: 'first-key, second-key' }, 0);
	});

	afterAll(async () => {
		await facet?.stop();
	});

	// An empty body is refused with 400 behind the door and with 401 before it.
	it.each<[Record<string, string>, number]>([
		[{}, 401],
		[{ 'x-api-key': 'second-key' }, 400],
		[{ 'x-api-key': 'third-key' }, 401],
		[{ authorization: 'Bearer first-key' }, 400],
		[{ authorization: 'bearer first-key' }, 400],
		[{ authorization: 'Bearer third-key' }, 401],
		[{ authorization: 'Bearer third-key', 'x-api-key': 'first-key' }, 401],
		[{ authorization: 'Bearer first-key', 'x-api-key': 'third-key' }, 400],
		[{ authorization: 'Basic first-key', 'x-api-key': 'first-key' }, 401],
		[{ authorization: 'Bearer ' }, 401],
	])('%j gives %i', async (headers, status) => {
		const answer = await facet.detect({}, headers);
		expect(answer.status).toBe(status);
		if (status === 401) {
			expect(answer.body).toEqual({
				error_code: 1,
				error_msg: 'Invalid or missing API key',
				faces_obj: {},
				error: { code: 'unauthorized', retryable: false },
			});
		}
	});

	it('refuses a caller without a key before it reads the body', async () => {
		const answer = await facet.detect('{'.repeat(1_000_000));
		expect(answer.status).toBe(401);
	});

	it('lets probes in without a key', async () => {
		for (const path of ['/healthz', '/readyz', '/metrics']) {
			const response = await fetch(facet.url + path);
			await response.body?.cancel();
			expect(response.status).toBe(200);
		}
	});

	it('writes no key into the log', async () => {
		await facet.detect({}, { authorization: 'Bearer first-key', 'x-api-key': 'second-key' });
		expect(facet.logs).not.toMatch(/first-key|second-key/);
	});
});

describe('start-up', () => {
	it('refuses to listen to the world without keys, naming every variable at fault', async () => {
		const api = ServiceProcess.start('api', {
			API_HOST: '0.0.0.0',
			API_PORT: 'http',
			REDIS_URL: 'localhost',
		});
		expect(await api.exited()).toBe(1);
		expect(api.output).toMatch(/REDIS_URL: expected a URL starting with redis:\/\/ or rediss:\/\//);
		expect(api.output).toMatch(/API_PORT: expected a whole number/);
	});

	it('refuses an open API on a public address', async () => {
		const api = ServiceProcess.start('api', { API_HOST: '0.0.0.0', API_PORT: '0' });
		expect(await api.exited()).toBe(1);
		expect(api.output).toMatch(/API_KEYS: expected at least one key/);
	});

	it('a worker without its networks says which command fetches them', async () => {
		const modelsDir = await mkdtemp(join(tmpdir(), 'facet-test-models-'));
		await copyFile('models/MODELS.json', join(modelsDir, 'MODELS.json'));
		const worker = ServiceProcess.start('worker', { REDIS_URL: inject('redisUrl'), MODELS_DIR: modelsDir });
		expect(await worker.exited()).toBe(1);
		expect(worker.output).toMatch(/fetch them with `npm run models`/);
		await rm(modelsDir, { recursive: true });
	});
});
