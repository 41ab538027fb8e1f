import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type Delivery, deliveryListSchema, jobSchema, type WireJob } from '@facet/contracts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BatchClient } from '../support/batch-client.ts';
import { freePort } from '../support/free-port.ts';
import { inParallel } from '../support/in-parallel.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import { WebhookService } from '../support/webhook-service.ts';
import { Canary } from './canary.ts';
import { ADDRESS_HOSTS, NAMED_HOSTS, ODD_URLS, OTHER_SCHEMES, USER_INFO_URLS } from './ssrf-targets.ts';

/** The one address that may be reached: it stands for the public internet. */
const PUBLIC_ADDRESS = '127.0.0.77';
const BLOCKED = {
	code: 'url_blocked',
	detail: 'the URL leads to an address that Facet does not connect to',
	retryable: false,
};

let service: WebhookService;
let canary: Canary;
let redirects: Server;
let redirectUrl: string;
/** Where `/to/<n>` leads. */
const locations: string[] = [];
/** URLs of addresses, some with a port at which the canary listens, some with one at which nobody does. */
let addressUrls: string[];

beforeAll(async () => {
	canary = await Canary.start();
	const closedPort = await freePort();
	addressUrls = ADDRESS_HOSTS.map((host, index) => {
		return `http://${host}:${index % 4 === 3 ? closedPort : canary.port(index)}/photo.jpg`;
	});
	redirects = createServer((request, response) => {
		const [, name, index] = (request.url ?? '').split('/');
		const location = name === 'self' ? request.url : locations[Number(index)];
		// Headers are ASCII; the URL standard undoes this in hosts as well.
		const isAscii = /^[\x20-\x7e]*$/.test(location ?? '');
		response.writeHead(302, { location: isAscii ? location : encodeURI(location ?? '') }).end();
	}).listen(0, PUBLIC_ADDRESS);
	await once(redirects, 'listening');
	const address = redirects.address();
	redirectUrl = `http://${PUBLIC_ADDRESS}:${typeof address === 'object' ? address?.port : 0}`;
	service = await WebhookService.start({
		SOURCE_ALLOW_NETWORKS: `${PUBLIC_ADDRESS}/32`,
		WEBHOOK_RETRY_SCHEDULE: '0s',
		JOB_ATTEMPTS: '1',
		DOWNLOAD_CONNECT_TIMEOUT_MS: '2000',
		WORKER_CONCURRENCY: '8',
	});
});

afterAll(async () => {
	await service?.stop();
	redirects?.close();
	canary?.close();
});

async function submit(body: object): Promise<Response> {
	return fetch(`${service.facet.url}/v1/jobs`, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});
}

/** Submits a job that is accepted, and waits for its end. */
async function run(body: object): Promise<WireJob> {
	const accepted = await submit(body);
	const text = await accepted.text();
	expect(accepted.status, text).toBe(202);
	const { id } = jobSchema.parse(JSON.parse(text));
	const ended = await fetch(`${service.facet.url}/v1/jobs/${id}?wait=30`);
	return jobSchema.parse(await ended.json());
}

/** The only attempt at a job's webhook. */
async function attemptOf(jobId: string): Promise<Delivery['attempts'][number] | undefined> {
	await service.settled(jobId);
	const response = await fetch(`${service.facet.url}/v1/jobs/${jobId}/deliveries`);
	return deliveryListSchema.parse(await response.json()).data[0]?.attempts[0];
}

/** Has a batch follow a redirect to each of these, and gives the code and the detail of each item's failure. */
async function follow(targets: readonly string[]) {
	const first = locations.push(...targets) - targets.length;
	const batches = new BatchClient(service.facet.url);
	const items = targets.map((_, index) => ({ url: `${redirectUrl}/to/${first + index}` }));
	const { id } = await batches.submit({ items });
	await batches.ended(id, 50_000);
	return (await batches.results(id)).map(({ job }) => job?.error);
}

const byTarget = <T>(targets: readonly string[], values: readonly T[]) =>
	Object.fromEntries(targets.map((target, index) => [target, values[index]]));
const allEqual = <T>(targets: readonly string[], value: T) =>
	byTarget(
		targets,
		targets.map(() => value),
	);

describe('addresses that are not public', () => {
	it('are many', () => {
		expect(new Set(ADDRESS_HOSTS).size).toBeGreaterThanOrEqual(150);
	});

	it('are refused as source and as webhook, in one and the same words', async ({ task }) => {
		const ends = await inParallel(addressUrls, 12, async (url) => {
			const job = await run({ url, webhook_url: url });
			return { error: job.error, attempt: (await attemptOf(job.id))?.error };
		});
		expect(byTarget(addressUrls, ends)).toEqual(
			allEqual(addressUrls, { error: expect.objectContaining(BLOCKED), attempt: 'blocked' }),
		);
		// Whether somebody listens makes no difference.
		expect(new Set(ends.map(({ error }) => JSON.stringify(error))).size).toBe(1);
		expect(canary.connections).toBe(0);
		reportCounts(task, { sources: ends.length, webhooks: ends.length, connections: canary.connections });
	}, 120_000);

	it('are refused behind redirects', async ({ task }) => {
		const targets = [
			...addressUrls,
			...USER_INFO_URLS.map((url) => url.replace('HOST', `127.0.0.1:${canary.port(0)}`)),
			`//127.0.0.1:${canary.port(1)}/`,
			`/\\127.0.0.1:${canary.port(2)}/`,
			`\\\\[::1]:${canary.port(0)}/`,
		];
		expect(byTarget(targets, await follow(targets))).toEqual(
			allEqual(targets, expect.objectContaining(BLOCKED)),
		);
		expect(canary.connections).toBe(0);
		reportCounts(task, { redirects: targets.length, connections: canary.connections });
	}, 120_000);

	it('are refused behind user-info and odd spellings', async ({ task }) => {
		const host = `127.0.0.1:${canary.port(1)}`;
		const urls = [...USER_INFO_URLS, ...ODD_URLS].map((url) => url.replace('HOST', host));
		const errors = await inParallel(urls, 12, async (url) => (await run({ url })).error);
		expect(byTarget(urls, errors)).toEqual(allEqual(urls, expect.objectContaining(BLOCKED)));
		const credentials = await Promise.all(
			['http://user@HOST/', 'http://user:password@HOST/'].map(async (url) => {
				const target = url.replace('HOST', host);
				return (await submit({ url: target, webhook_url: target })).status;
			}),
		);
		expect(credentials).toEqual([400, 400]);
		expect(canary.connections).toBe(0);
		reportCounts(task, { sources: urls.length, connections: canary.connections });
	});

	it('are refused behind names of this machine and of clouds', async ({ task }) => {
		const urls = NAMED_HOSTS.map((host, index) => `http://${host}:${canary.port(index)}/`);
		const codes = await inParallel(urls, 12, async (url) => {
			const job = await run({ url, webhook_url: url });
			await attemptOf(job.id);
			return job.error?.code;
		});
		// A name may not be known here, or nobody may answer who knows names.
		for (const code of codes) expect(code).toMatch(/^(url_blocked|download_failed|download_timeout)$/);
		expect(codes[NAMED_HOSTS.indexOf('localhost')]).toBe('url_blocked');
		expect(codes[NAMED_HOSTS.indexOf('ⓛⓞⓒⓐⓛⓗⓞⓢⓣ')]).toBe('url_blocked');
		expect(canary.connections).toBe(0);
		reportCounts(task, { names: urls.length, connections: canary.connections });
	}, 120_000);
});

describe('URLs of other schemes', () => {
	it('are refused before there is a job', async ({ task }) => {
		const answers = await inParallel(OTHER_SCHEMES, 12, async (url) => {
			const asSource = await submit({ url });
			const asWebhook = await submit({ url: 'http://127.0.0.1/', webhook_url: url });
			const asFacade = await service.facet.detect({ url });
			return [asSource.status, asWebhook.status, asFacade.body.error.code];
		});
		expect(byTarget(OTHER_SCHEMES, answers)).toEqual(allEqual(OTHER_SCHEMES, [400, 400, 'invalid_url']));
		reportCounts(task, { sources: answers.length, webhooks: answers.length });
	});

	it('are refused behind redirects', async ({ task }) => {
		// Those without a scheme are relative there.
		const targets = OTHER_SCHEMES.filter((url) => /^[a-z+]+:/i.test(url));
		const errors = await follow(targets);
		expect(errors.map((error) => error?.code)).toEqual(targets.map(() => 'url_blocked'));
		reportCounts(task, { redirects: targets.length });
	});
});

it('a redirect to itself ends after five', async ({ task }) => {
	let requests = 0;
	const count = () => {
		requests += 1;
	};
	redirects.on('request', count);
	const { error } = await run({ url: `${redirectUrl}/self` });
	redirects.off('request', count);
	expect(error).toMatchObject({ code: 'download_failed', detail: 'more than 5 redirects' });
	expect(requests).toBe(6);
	reportCounts(task, { requests });
});
