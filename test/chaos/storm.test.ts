import { setTimeout as delay } from 'node:timers/promises';
import { generateWebhookSecret } from '@facet/webhooks';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { CHAOS_SIZE } from '../support/chaos-size.ts';
import { Facet } from '../support/facet.ts';
import { reportCounts } from '../support/scenario-counts.ts';
import type { ServiceProcess } from '../support/service-process.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';
import { chaosEnvironment } from './chaos-environment.ts';
import { ChaosMedia, type MediaKind } from './chaos-media.ts';
import { DurableRedis } from './durable-redis.ts';
import { Ledger } from './ledger.ts';
import { ageHalfWritten, expectNothingInRedis, expectNothingOnDisk } from './leftovers.ts';
import { SeededRandom } from './seeded-random.ts';

/**
 * Many jobs, and parts that die at random: which part, and at which job, the seed says. `npm run test:chaos -- --jobs N
 * --seed S` sets both.
 */

const { jobs: JOBS, seed: SEED } = CHAOS_SIZE;
const SECRET = generateWebhookSecret();
/** A fault each time that so many jobs were accepted. */
const JOBS_PER_FAULT = 25;
const WORKERS = 2;
/** A busy machine keeps a worker from renewing its locks for a second now and then: that is no fault of the plan's. */
const LOCK_MS = '2000';
const CALLERS = 4;
const TIMEOUT_MS = 120_000 + JOBS * 1500;

type Fault =
	| 'kill worker'
	| 'crash worker'
	| 'freeze worker'
	| 'stop worker'
	| 'kill API'
	| 'kill Redis'
	| 'fill Redis';

const random = new SeededRandom(SEED);
let media: ChaosMedia;
let hook: WebhookReceiver;
let redis: DurableRedis;
let facet: Facet;
let ledger: Ledger;
let api: ServiceProcess;
let workers: ServiceProcess[];

beforeAll(async () => {
	[media, hook, redis] = await Promise.all([
		ChaosMedia.start(),
		WebhookReceiver.start(SECRET),
		// What was answered is on the disk: then nothing at all may be lost.
		DurableRedis.start('always'),
	]);
	facet = await Facet.start(redis.url, { ...chaosEnvironment(SECRET), JOB_LOCK_MS: LOCK_MS }, 0);
	api = await facet.startApi();
	workers = await Promise.all(Array.from({ length: WORKERS }, () => facet.startWorker()));
	ledger = new Ledger(facet, media, hook);
}, TIMEOUT_MS);

afterAll(async () => {
	await facet.stop();
	await Promise.all([media.stop(), hook.close(), redis.stop()]);
}, TIMEOUT_MS);

const FAULTS: Readonly<Record<Fault, () => Promise<void>>> = {
	'kill worker': () => replaceWorker('SIGKILL'),
	'crash worker': () => replaceWorker('SIGSEGV'),
	'stop worker': () => replaceWorker('SIGTERM'),
	'freeze worker': async () => {
		const worker = workers[random.below(workers.length)];
		worker?.signal('SIGSTOP');
		// Longer than its locks last: others take its jobs.
		await delay(4000);
		worker?.signal('SIGCONT');
	},
	'kill API': async () => {
		await api.end('SIGKILL');
		api = await facet.startApi();
	},
	'kill Redis': async () => {
		await redis.kill();
		await redis.up();
	},
	'fill Redis': async () => {
		await redis.fill();
		await delay(1000);
		await redis.free();
	},
};

async function replaceWorker(signal: NodeJS.Signals): Promise<void> {
	const index = random.below(workers.length);
	await workers[index]?.end(signal);
	workers[index] = await facet.startWorker();
}

it(
	`${JOBS} jobs, parts killed at random (seed ${SEED}): each ends once, nothing is lost, nothing stays`,
	async ({ task }) => {
		// The whole plan comes first: how callers and faults take turns does not change it.
		const plan = Array.from({ length: JOBS }, (_, index) => ({
			index,
			kind: random.pick<MediaKind>([
				['photo', 80],
				['video', 8],
				['corrupt', 6],
				['missing', 6],
			]),
			isCanceled: random.next() < 0.08,
		}));
		const faults = Array.from({ length: Math.floor(JOBS / JOBS_PER_FAULT) }, () =>
			random.pick<Fault>([
				['kill worker', 4],
				['crash worker', 2],
				['freeze worker', 2],
				['stop worker', 1],
				['kill API', 2],
				['kill Redis', 2],
				['fill Redis', 1],
			]),
		);
		let left = CALLERS;
		const callers = Array.from({ length: CALLERS }, async () => {
			for (let job = plan.shift(); job !== undefined; job = plan.shift()) {
				const id = await ledger.submit(job.kind, job.index);
				if (job.isCanceled) await ledger.cancel(id);
			}
			left -= 1;
		});
		for (const [index, fault] of faults.entries()) {
			while (left > 0 && ledger.size < (index + 1) * JOBS_PER_FAULT) await delay(20);
			await FAULTS[fault]();
		}
		await Promise.all(callers);
		const totals = await ledger.settle();
		const ends = await Promise.all(ledger.ids.map((id) => ledger.read(id)));
		const succeeded = new Set(ends.flatMap((job) => (job?.status === 'succeeded' ? [job.id] : [])));
		expect(totals).toMatchObject({ jobs: JOBS, losses: 0, duplicates: 0, cropsMissing: 0 });
		// Chance may kill the worker of one job three times, the third while it runs alone.
		expect(totals.workersLost).toBeLessThanOrEqual(JOBS / 500);
		await expectNothingInRedis(redis.client, facet.prefix);
		await Promise.all(workers.map((worker) => worker.end()));
		await ageHalfWritten(facet);
		// What the last killed worker left goes when another one starts.
		await (await facet.startWorker()).end();
		await expectNothingOnDisk(facet);
		const stored = await facet.storedObjects();
		// Named, so that it can be seen whose they are.
		expect(stored.filter((key) => !succeeded.has(key.split('/')[1] ?? ''))).toEqual([]);
		expect(stored).toHaveLength(totals.crops);
		const occurred = Object.fromEntries(
			Object.keys(FAULTS).map((name) => [`x ${name}`, faults.filter((fault) => fault === name).length]),
		);
		reportCounts(task, { ...totals, ...occurred });
	},
	TIMEOUT_MS,
);
