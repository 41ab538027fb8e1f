import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { uploadSchema } from '@facet/contracts';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { Clips } from '../support/clips.ts';
import { Facet } from '../support/facet.ts';
import { startHttpServer, type TestServer } from '../support/http-server.ts';
import { s3Environment, startS3Server } from '../support/s3-server.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { photoForm, V1Client } from '../support/v1.ts';

/** What must never be in a log, by what it is. Each is made for this run, so that it is found wherever it stands. */
class Secrets {
	readonly #values = new Map<string, string>();

	/** A text that is nowhere else. */
	mark(name: string): string {
		return this.add(name, `mark-${randomBytes(12).toString('hex')}`);
	}

	add(name: string, value: string): string {
		this.#values.set(name, value);
		return value;
	}

	get count(): number {
		return this.#values.size;
	}

	/** Names of those that a text has in it. */
	in(text: string): string[] {
		return [...this.#values].filter(([, value]) => text.includes(value)).map(([name]) => name);
	}
}

let server: TestServer;
let photo: Buffer;
let directory: string;
let video: Buffer;

beforeAll(async () => {
	photo = await samplePhoto(1);
	directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
	video = await readFile(await new Clips(directory).get('mp4-one-frame'));
	server = await startHttpServer((request, response) => {
		const { pathname, searchParams } = new URL(request.url ?? '', 'http://host');
		request.resume();
		switch (pathname) {
			case '/photo.jpg':
				return response.end(photo);
			case '/video.mp4':
				return response.end(video);
			case '/text':
				return response.end(`neither photo nor video: ${searchParams.get('token')}`);
			case '/moved':
				return response.writeHead(302, { location: `/photo.jpg?${searchParams}` }).end();
			case '/hook':
				return response.writeHead(Number(searchParams.get('status'))).end(searchParams.get('token'));
			default:
				return response.writeHead(404).end(searchParams.get('token'));
		}
	});
});

afterAll(async () => {
	await server?.close();
	await rm(directory, { recursive: true, force: true });
});

/** Sends all sorts of requests, good and bad, with secrets wherever a caller may put one. */
async function callWithSecrets(facet: Facet, key: string, secrets: Secrets): Promise<void> {
	const jobs = new V1Client(facet.url, { authorization: `Bearer ${key}` });
	const token = (name: string) => `token=${secrets.mark(name)}`;
	const hook = (name: string, status: number) =>
		`${server.url}/hook?status=${status}&${token(`token of a webhook's URL: ${name}`)}`;
	const run = async (body: object) => (await jobs.get((await jobs.submit(body)).body.id, 30)).result;

	const found = await run({
		url: `${server.url}/photo.jpg?${token('token of a photo')}`,
		return_face_url: true,
		webhook_url: hook('delivered', 204),
		tag: secrets.mark('a tag'),
	});
	await run({
		url: `${server.url}/video.mp4?${token('token of a video')}`,
		webhook_url: hook('failed', 500),
	});
	await run({ url: `${server.url}/moved?${token('token of a redirect')}`, webhook_url: hook('gone', 410) });
	for (const path of ['/text', '/nothing']) {
		await run({ url: `${server.url}${path}?${token(`token of ${path}`)}` });
	}
	const credentials = `${secrets.mark('user of a URL')}:${secrets.mark('password of a URL')}`;
	await run({ url: `http://${credentials}@127.0.0.1:9/a?${token('token of a closed port')}` });
	await run({ url: `http://no-such-host.invalid/?${token('token of an unknown host')}` });
	await run({ url: `http://10.0.0.1/?${token('token of a blocked host')}` });
	await run({ img: photo.toString('base64') });
	secrets.add('pixels in base64', photo.toString('base64', 3000, 3060));
	const corrupt = randomBytes(600).toString('base64');
	secrets.add('bytes that are no photo', corrupt.slice(100, 160));
	await run({ img: corrupt });
	const form = photoForm({ tag: secrets.mark('a tag of a form') }, photo);
	await jobs.post(form, { 'idempotency-key': secrets.mark('an idempotency key') });

	const link = new URL(found?.faces_obj['0']?.face_urls?.[0] ?? '');
	for (const name of ['signature', 'X-Amz-Signature']) {
		const value = link.searchParams.get(name);
		if (value !== null) secrets.add('signature of a link', value);
	}
	await (await fetch(link)).body?.cancel();
	link.searchParams.set('signature', secrets.mark('altered signature of a link'));
	await (await fetch(link)).body?.cancel();

	const post = async (path: string, body: string, headers: Record<string, string> = {}) => {
		const response = await fetch(facet.url + path, {
			method: 'POST',
			headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
			body,
		});
		return response.text();
	};
	const upload = uploadSchema.parse(JSON.parse(await post('/v1/uploads', '{}')));
	const signature = new URL(upload.url).searchParams;
	secrets.add('signature of an upload', signature.get('signature') ?? signature.get('X-Amz-Signature') ?? '');
	await (
		await fetch(upload.url, { method: 'PUT', headers: upload.headers, body: new Uint8Array(photo) })
	).text();

	for (const path of ['/detect_faces', '/v1/jobs', '/v1/batches', '/v1/uploads', '/v1/webhooks/test']) {
		const where = `of ${path}`;
		await post(path, `{"url":"http://a.example/?token=x","img": ${secrets.mark(`broken JSON ${where}`)}}`);
		await post(path, JSON.stringify({ [secrets.mark(`unknown field ${where}`)]: 1 }));
		await post(path, JSON.stringify({ url: secrets.mark(`no URL ${where}`) }));
		await post(path, JSON.stringify({ img: `data:text/plain,${secrets.mark(`no base64 ${where}`)}` }));
		await post(path, secrets.mark(`text ${where}`), { 'content-type': 'text/plain' });
		await post(`${path}?${token(`token ${where}`)}`, '{}');
		await post(path, '{}', { authorization: `Bearer ${secrets.mark(`wrong key ${where}`)}` });
		await post(path, '{}', { authorization: `Basic ${secrets.mark(`password ${where}`)}` });
		await post(path, '{}', { cookie: `session=${secrets.mark(`cookie ${where}`)}` });
	}
	await post('/v1/batches', `{"url":"${secrets.mark('line of NDJSON')}"}\n{`, {
		'content-type': 'application/x-ndjson',
	});
	await post('/v1/webhooks/test', JSON.stringify({ url: hook('test', 500) }));
	await (await fetch(`${facet.url}/v1/jobs/${randomUUID()}?${token('token of a lost job')}`)).text();
}

const LOGGED = 'What must be in it, for the test to see a log at all';

describe('logs, at their finest,', () => {
	it('have no secret and nothing of the media in them', async ({ task }) => {
		const secrets = new Secrets();
		const webhookSecret = randomBytes(32).toString('base64');
		const apiKey = secrets.mark('key of the environment');
		const facet = await Facet.start(inject('redisUrl'), {
			LOG_LEVEL: 'trace',
			API_KEYS: apiKey,
			WEBHOOK_SECRET: `whsec_${secrets.add('secret of webhooks', webhookSecret)}`,
			WEBHOOK_RETRY_SCHEDULE: '0s,100ms',
			STORAGE_SIGNING_KEY: secrets.mark('key of links') + randomUUID(),
			AWS_SECRET_ACCESS_KEY: secrets.mark('secret of S3'),
			JOB_ATTEMPTS: '2',
		});
		const stored = await facet.callers.create('Back end');
		secrets.add('stored key', stored.key);
		secrets.add('stored secret', stored.record.webhookSecrets[0]?.secret.replace('whsec_', '') ?? '');
		await callWithSecrets(facet, apiKey, secrets);
		await callWithSecrets(facet, stored.key, secrets);
		await expect.poll(() => facet.logs, { timeout: 20_000 }).toMatch(/webhook not delivered/);
		await facet.stop();
		const { logs } = facet;
		expect(logs, LOGGED).toMatch(/"msg":"job failed"/);
		expect(logs, LOGGED).toMatch(/"msg":"request refused"/);
		expect(logs, LOGGED).toContain('/photo.jpg');
		expect(secrets.in(logs)).toEqual([]);
		reportCounts(task, { secrets: secrets.count, 'lines of log': logs.split('\n').length, found: 0 });
	}, 120_000);

	it('have none of S3 either, whether it takes them or not', async ({ task }) => {
		const secrets = new Secrets();
		const store = await startS3Server();
		const environment = s3Environment(store);
		const apiKey = secrets.mark('key of the environment');
		const facet = await Facet.start(inject('redisUrl'), {
			...environment,
			LOG_LEVEL: 'trace',
			API_KEYS: apiKey,
			WEBHOOK_SECRET: `whsec_${secrets.add('secret of webhooks', randomBytes(32).toString('base64'))}`,
		});
		// Too short in test servers to be found in a log for sure, so that another takes its place where it fails.
		await callWithSecrets(facet, apiKey, secrets);
		await facet.stop();
		const stranger = await Facet.start(inject('redisUrl'), {
			...environment,
			LOG_LEVEL: 'trace',
			AWS_SECRET_ACCESS_KEY: secrets.mark('wrong secret of S3'),
			AWS_SESSION_TOKEN: secrets.mark('session of S3'),
		});
		const img = photo.toString('base64');
		await stranger.detect({ img });
		await stranger.detect({ url: `${server.url}/photo.jpg`, return_face_url: true });
		await stranger.stop();
		await store.stop();
		const logs = facet.logs + stranger.logs;
		expect(logs, LOGGED).toMatch(/"msg":"job done"/);
		expect(secrets.in(logs)).toEqual([]);
		expect(logs).not.toMatch(/X-Amz-(Signature|Credential)/i);
		reportCounts(task, { secrets: secrets.count, 'lines of log': logs.split('\n').length, found: 0 });
	}, 120_000);
});
