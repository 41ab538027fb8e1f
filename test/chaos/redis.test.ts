import { generateWebhookSecret } from '@facet/webhooks';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Facet } from '../support/facet.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';
import { chaosEnvironment, TIMEOUT_MS } from './chaos-environment.ts';
import { ChaosMedia } from './chaos-media.ts';
import { DurableRedis } from './durable-redis.ts';
import { Ledger } from './ledger.ts';
import { expectNothingInRedis, expectNothingOnDisk } from './leftovers.ts';
import { TcpProxy } from './tcp-proxy.ts';

const SECRET = generateWebhookSecret();

let media: ChaosMedia;
let hook: WebhookReceiver;
let redis: DurableRedis;
let proxy: TcpProxy;
let facet: Facet;
let ledger: Ledger;
let workers: ServiceProcess[];

beforeAll(async () => {
	[media, hook] = await Promise.all([ChaosMedia.start(), WebhookReceiver.start(SECRET)]);
}, TIMEOUT_MS);

afterAll(async () => {
	await Promise.all([media?.stop(), hook?.close()]);
}, TIMEOUT_MS);

beforeEach(async () => {
	redis = await DurableRedis.start();
	proxy = await TcpProxy.start(redis.port);
	facet = await Facet.start(`redis://127.0.0.1:${proxy.port}`, chaosEnvironment(SECRET), 0);
	workers = [await facet.startWorker()];
	media.shut();
	ledger = new Ledger(facet, media, hook);
}, TIMEOUT_MS);

afterEach(async () => {
	await facet.stop();
	await Promise.all([proxy.stop(), redis.stop()]);
}, TIMEOUT_MS);

/** Jobs in every state: two have ended, three run, three wait. */
async function submitSome(): Promise<void> {
	await ledger.submit('photo', 0);
	await ledger.submit('corrupt', 1);
	await ledger.settle();
	for (let i = 0; i < 6; i += 1) await ledger.submit('photo', i, { query: 'held=redis' });
	await media.requested('held=redis', 3);
}

async function conclude(
	context: { readonly task: Parameters<typeof reportCounts>[0] },
	server = redis,
): Promise<void> {
	const totals = await ledger.settle();
	await expectNothingInRedis(server.client, facet.prefix);
	await Promise.all(workers.map((worker) => worker.end()));
	await expectNothingOnDisk(facet);
	expect(totals).toMatchObject({ losses: 0, cropsMissing: 0, workersLost: 0 });
	reportCounts(context.task, totals);
}

/** What a new request is told, when there is an answer that is not 202. */
async function refusal(): Promise<{ status: number; code: string; retryAfter: string | null }> {
	let refused = { status: 0, code: '', retryAfter: '' as string | null };
	await expect
		.poll(
			async () => {
				const response = await fetch(`${facet.url}/v1/jobs`, {
					method: 'POST',
					headers: { 'content-type': 'application/json' },
					body: JSON.stringify({ url: media.url('missing', 0) }),
				});
				const { code } = (await response.json()) as { code: string };
				refused = { status: response.status, code, retryAfter: response.headers.get('retry-after') };
				return response.status;
			},
			{ timeout: 20_000 },
		)
		.not.toBe(202);
	return refused;
}

describe('Redis', { timeout: TIMEOUT_MS }, () => {
	it('killed (SIGKILL), an append-only file written every second: 503 meanwhile, nothing lost', async (context) => {
		await submitSome();
		// What the last second brought may be on no disk yet.
		const pending = async () =>
			(await redis.client.info('persistence')).match(/aof_buffer_length:(\d+)/)?.[1];
		await expect.poll(pending, { timeout: 10_000 }).toBe('0');
		await redis.kill();
		expect(await refusal()).toMatchObject({ status: 503, code: 'queue_unavailable' });
		media.open();
		await redis.up();
		await ledger.submit('photo', 6);
		await conclude(context);
	});

	it('full (OOM command not allowed): 503 meanwhile, then everything ends', async (context) => {
		await submitSome();
		await redis.fill();
		expect(await refusal()).toMatchObject({ status: 503, code: 'queue_unavailable' });
		// Results cannot be stored, nor locks renewed, for longer than these last.
		media.open();
		await workers[0]?.logged('queue: worker error');
		await redis.free();
		await ledger.submit('photo', 6);
		await conclude(context);
	});

	it('fails over to its replica: the old server is read-only, clients find the new one', async (context) => {
		const replica = await DurableRedis.start();
		try {
			await submitSome();
			await replica.client.replicaof('127.0.0.1', redis.port);
			await expect
				.poll(async () => (await replica.client.info('replication')).includes('master_link_status:up'), {
					timeout: 20_000,
				})
				.toBe(true);
			// As managed services do it: no more writes, the replica has them all, the name leads to the replica. Connections
			// to the old server stay, and it refuses to write.
			await redis.client.client('PAUSE', 60_000, 'WRITE');
			const offset = (info: string) => info.match(/master_repl_offset:(\d+)/)?.[1];
			await expect
				.poll(async () => offset(await replica.client.info('replication')), { timeout: 20_000 })
				.toBe(offset(await redis.client.info('replication')));
			await replica.client.replicaof('NO', 'ONE');
			proxy.targetPort = replica.port;
			await redis.client.replicaof('127.0.0.1', replica.port);
			await redis.client.client('UNPAUSE');
			media.open();
			await ledger.submit('photo', 6);
			await conclude(context, replica);
		} finally {
			await replica.stop();
		}
	});
});

describe('the API', { timeout: TIMEOUT_MS }, () => {
	it('killed (SIGKILL) while clients wait: a broken connection, and their jobs run on', async (context) => {
		const api = await facet.startApi();
		const waiting = [0, 1].map((i) =>
			facet.detect({ url: media.url('photo', i, 'held=waiting') }).then(
				() => 'answered',
				() => 'broken off',
			),
		);
		const own = await ledger.submit('photo', 2, { query: 'held=waiting' });
		await media.requested('held=waiting', 3);
		await api.end('SIGKILL');
		expect(await Promise.all(waiting)).toEqual(['broken off', 'broken off']);
		media.open();
		await facet.startApi();
		expect((await ledger.read(own, 20))?.status).toBe('succeeded');
		const done = async () => facet.logs.split('"msg":"job done"').length - 1;
		await expect.poll(done, { timeout: 30_000 }).toBe(3);
		await conclude(context);
	});
});
