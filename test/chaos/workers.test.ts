import { generateWebhookSecret } from '@facet/webhooks';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, inject, it } from 'vitest';
import { Facet } from '../support/facet.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';
import { chaosEnvironment, TIMEOUT_MS } from './chaos-environment.ts';
import { ChaosMedia } from './chaos-media.ts';
import { Ledger } from './ledger.ts';
import { expectNothingInRedis, expectNothingOnDisk } from './leftovers.ts';
import { TcpProxy } from './tcp-proxy.ts';

const SECRET = generateWebhookSecret();

let media: ChaosMedia;
let hook: WebhookReceiver;
let proxy: TcpProxy;
let redis: Redis;
let facet: Facet;
let ledger: Ledger;
const workers = new Set<ServiceProcess>();

beforeAll(async () => {
	[media, hook] = await Promise.all([ChaosMedia.start(), WebhookReceiver.start(SECRET)]);
	redis = new Redis(inject('redisUrl'));
	proxy = await TcpProxy.start(Number(new URL(inject('redisUrl')).port || 6379));
	facet = await Facet.start(inject('redisUrl'), chaosEnvironment(SECRET), 0);
	ledger = new Ledger(facet, media, hook);
}, TIMEOUT_MS);

afterAll(async () => {
	await facet.stop();
	await Promise.all([media.stop(), hook.close(), proxy.stop()]);
	redis.disconnect();
}, TIMEOUT_MS);

afterEach(async () => {
	media.shut();
	proxy.flow();
	proxy.onRequest = () => false;
	await Promise.all([...workers].map((worker) => worker.end('SIGKILL')));
	workers.clear();
	ledger.turnPage();
}, TIMEOUT_MS);

async function startWorker(environment: Record<string, string> = {}): Promise<ServiceProcess> {
	const worker = await facet.startWorker(environment);
	workers.add(worker);
	return worker;
}

/** Waits for the end of all jobs and checks them; stops the workers and checks what they leave. */
async function conclude(context: { readonly task: Parameters<typeof reportCounts>[0] }): Promise<void> {
	const totals = await ledger.settle();
	await expectNothingInRedis(redis, facet.prefix);
	await Promise.all([...workers].map((worker) => worker.end()));
	await expectNothingOnDisk(facet);
	expect(totals).toMatchObject({ losses: 0, cropsMissing: 0, workersLost: 0 });
	reportCounts(context.task, totals);
}

describe('a worker killed (SIGKILL)', { timeout: TIMEOUT_MS }, () => {
	it('while it downloads', async (context) => {
		const doomed = await startWorker();
		for (let i = 0; i < 3; i += 1) await ledger.submit('photo', i, { query: 'held=downloading' });
		await media.requested('held=downloading', 3);
		await doomed.end('SIGKILL');
		media.open();
		await startWorker();
		await conclude(context);
	});

	it('while it decodes', async (context) => {
		const doomed = await startWorker();
		await ledger.submit('video', 0, { frames: 20 });
		await expect
			.poll(() => facet.processesOnTemporaryFiles(), { interval: 2, timeout: 60_000 })
			.not.toEqual([]);
		await doomed.end('SIGKILL');
		await startWorker();
		await conclude(context);
	});

	it('while it infers', async (context) => {
		const doomed = await startWorker();
		const id = await ledger.submit('video', 0, { frames: 25, crops: false });
		const framesDone = async () => (await ledger.read(id))?.progress?.frames_done ?? 0;
		await expect.poll(framesDone, { interval: 2, timeout: 60_000 }).toBeGreaterThan(0);
		await doomed.end('SIGKILL');
		await startWorker();
		await conclude(context);
	});

	it("between a result and the queue's word of it", async (context) => {
		const doomed = await startWorker({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
		// Redis has the script from here on.
		await ledger.submit('photo', 0);
		await ledger.settle();
		const stored = new Promise<void>((resolve) => {
			proxy.onRequest = (chunk) => {
				if (!chunk.includes(':outbox') || !chunk.includes(':deadlines')) return false;
				resolve();
				return true;
			};
		});
		const id = await ledger.submit('photo', 1);
		await stored;
		await expect.poll(() => redis.exists(`${facet.prefix}:result:${id}`)).toBe(1);
		await doomed.end('SIGKILL');
		expect(await redis.lrange(`${facet.prefix}:detect:active`, 0, -1)).toEqual([id]);
		await startWorker();
		await conclude(context);
	});

	it('while it delivers a webhook', async (context) => {
		const doomed = await startWorker();
		const { answer } = hook;
		const before = hook.received.length;
		hook.answer = () => {};
		await ledger.submit('photo', 0);
		await hook.got(before + 1);
		await doomed.end('SIGKILL');
		hook.answer = answer;
		await startWorker();
		await hook.got(before + 2);
		await conclude(context);
		expect(new Set(hook.received.slice(before).map(({ id }) => id)).size).toBe(1);
	});
});

describe('a worker that is alive but away for longer than its lock', { timeout: TIMEOUT_MS }, () => {
	it('frozen (SIGSTOP): its jobs end once, elsewhere', async (context) => {
		const frozen = await startWorker();
		for (let i = 0; i < 3; i += 1) await ledger.submit('photo', i, { query: 'held=frozen' });
		await media.requested('held=frozen', 3);
		frozen.signal('SIGSTOP');
		media.open();
		await startWorker();
		await ledger.settle();
		frozen.signal('SIGCONT');
		await ledger.submit('photo', 4);
		await conclude(context);
	});

	it('cut off from Redis by a network that loses everything', async (context) => {
		const away = await startWorker({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` });
		for (let i = 0; i < 3; i += 1) await ledger.submit('photo', i, { query: 'held=partition' });
		await media.requested('held=partition', 3);
		proxy.stall();
		media.open();
		const other = await startWorker();
		await ledger.settle();
		await away.logged('job done');
		proxy.flow();
		await other.end();
		await ledger.submit('photo', 5);
		await conclude(context);
	});
});

describe('a job that kills its worker', { timeout: TIMEOUT_MS }, () => {
	it('(SIGSEGV) three times: it alone ends as worker_lost, its neighbours and all others succeed', async (context) => {
		const poison = await ledger.submit('photo', 0, { query: 'held=poison', ends: 'failed' });
		for (const neighbour of [1, 2]) await ledger.submit('photo', neighbour, { query: 'held=neighbour' });
		// Twice all three are in hand when the worker dies.
		for (let death = 1; death <= 2; death += 1) {
			const doomed = await startWorker();
			await media.requested('held=poison', death);
			await media.requested('held=neighbour', 2 * death);
			await doomed.end('SIGSEGV');
		}
		// From then on each of them runs alone.
		const third = await startWorker();
		const alone = new Set<unknown>();
		for (const killer = third; alone.size < 3; ) {
			const line = await killer.logged(
				'queue: job runs alone, it has cost workers',
				({ jobId }) => !alone.has(jobId),
			);
			alone.add(line.jobId);
			if (line.jobId === poison) {
				await killer.end('SIGSEGV');
				break;
			}
			// Not the poison, which may be the next one before this one's end is known here.
			media.open('held=neighbour');
			await ledger.read(String(line.jobId), 20);
		}
		media.open();
		for (let i = 0; i < 4; i += 1) await ledger.submit('photo', i);
		await startWorker();
		await conclude(context);
		expect((await ledger.read(poison))?.error?.code).toBe('worker_lost');
	});
});
