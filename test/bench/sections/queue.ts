import { randomUUID } from 'node:crypto';
import { connectProducer, JobProducer, Queues } from '@facet/queue';
import type { Bench, Section } from '../suite/bench.ts';
import { QueueWorker } from '../suite/queue-worker-process.ts';
import { median, rounded } from '../suite/statistics.ts';

const CHUNK = 500;
/** Consumers of one process: the network is switched off, and a job is all waiting for Redis. */
const CONCURRENCY = 50;
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

/** The queue alone: jobs that nobody looks at, to see how far one Redis would carry. */
export const queueSection: Section = {
	name: 'queue',
	title: 'The queue alone, the network switched off',
	async run(bench) {
		const { size, redis } = bench;
		const speeds: number[] = [];
		const processorMs: number[] = [];
		const commands: number[] = [];
		for (let round = 0; round < size.rounds; round += 1) {
			const work = await redis.workOf(async () => void speeds.push(await jobsPerSecond(bench)));
			processorMs.push((1000 * work.processorSeconds) / size.queueJobs);
			commands.push(work.commands / size.queueJobs);
		}
		const perSecond = rounded(median(speeds));
		const redisMs = rounded(median(processorMs), 3);
		const ofRedis = rounded(1000 / redisMs);
		return {
			rows: [
				{
					'jobs a second, end to end': perSecond,
					'ms of Redis’s core a job': redisMs,
					'jobs a second of one Redis core': ofRedis,
					'commands a job, those in scripts included': rounded(median(commands), 1),
				},
			],
			targets: [],
			figures: { queueJobsPerSecond: perSecond, queueRedisMsPerJob: redisMs, queueJobsPerRedisCore: ofRedis },
			notes: [
				`${size.queueJobs} jobs a round, added in bulk, taken by one worker process with ${CONCURRENCY} jobs in flight, ended with a result of three faces in the result store; medians of ${size.rounds} rounds. End to end, producer, worker and Redis share ${bench.cores} cores. What one Redis could carry if it had a core to itself is what its own processor time says.`,
			],
		};
	},
};

async function jobsPerSecond({ redis, size }: Bench): Promise<number> {
	const prefix = `{bench-${randomUUID()}}`;
	const connection = connectProducer(redis.url, SILENT);
	const queues = new Queues({ redis: connection, prefix, logger: SILENT });
	const producer = new JobProducer({ queues, attempts: 1, keepSeconds: 60 });
	const worker = await QueueWorker.start({ redisUrl: redis.url, prefix, concurrency: CONCURRENCY });
	try {
		// The first job's handshakes are not counted.
		await addJobs(producer, 1);
		await worker.done(1);
		const startedAt = performance.now();
		for (let left = size.queueJobs; left > 0; left -= CHUNK) await addJobs(producer, Math.min(CHUNK, left));
		await worker.done(size.queueJobs + 1);
		return (1000 * size.queueJobs) / (performance.now() - startedAt);
	} finally {
		await worker.stop();
		await queues.close();
		connection.disconnect();
	}
}

async function addJobs(producer: JobProducer, count: number): Promise<void> {
	const jobs = Array.from({ length: count }, () => ({
		id: randomUUID(),
		data: {
			source: { kind: 'url' as const, url: 'http://192.0.2.1/photos/2026/11/photo.jpg' },
			options: { numFrames: 5, returnFaceUrl: false, singleFace: false },
			owner: 'open',
			deadline: Date.now() + 86_400_000,
		},
	}));
	await producer.addMany('detect', jobs, { urgency: 'batch' });
}
