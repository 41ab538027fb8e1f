import type { DetectResult } from '@facet/contracts';
import { connectConsumer, DetectConsumer, ResultStore } from '@facet/queue';
import { z } from 'zod';

/** A worker whose jobs are done as soon as they are taken; it tells its parent how many have ended. */

const SILENT = { debug() {}, info() {}, warn() {}, error() {} };
const { redisUrl, prefix, concurrency } = z
	.object({ redisUrl: z.string(), prefix: z.string(), concurrency: z.int() })
	.parse(JSON.parse(process.argv[2] ?? ''));

const POINT = { x: 505.55, y: 480.66 };
const FACE = {
	box: { x: 430.25, y: 345.5, width: 151.75, height: 248.25 },
	score: 0.9876,
	landmarks: {
		leftEye: POINT,
		rightEye: POINT,
		nose: POINT,
		mouthCenter: POINT,
		mouthLeft: POINT,
		mouthRight: POINT,
	},
	// Not all alike: results are compressed.
	landmarks68: Array.from({ length: 68 }, (_, index) => ({
		x: 430.25 + 2.23 * index,
		y: 345.5 + 0.37 * index ** 2,
	})),
	crop: null,
	trackId: null,
};

const redis = connectConsumer(redisUrl, SILENT);
let done = 0;
const consumer = new DetectConsumer({
	redis,
	prefix,
	concurrency,
	lockMs: 10_000,
	results: new ResultStore(redis, { prefix, ttlSeconds: 60 }),
	handler: async ({ options }): Promise<DetectResult> => ({
		options,
		media: { kind: 'image', format: 'jpeg', bytes: 400_000, width: 1920, height: 1280, orientation: 1 },
		model: 'none',
		frames: [{ index: 0, timestampMs: null, faces: [FACE, FACE, FACE], removed: [] }],
		persons: [],
		timings: { fetch: 0, decode: 0, detect: 0, crop: 0, upload: 0 },
	}),
	onEnd: async () => {
		done += 1;
		// One message a job would be a good part of the work.
		if (done % 50 === 0 || done === 1) process.send?.({ done });
	},
	logger: SILENT,
});
const ticker = setInterval(() => process.send?.({ done }), 20);
process.once('SIGTERM', async () => {
	clearInterval(ticker);
	await consumer.close(1000);
	redis.disconnect();
	process.disconnect?.();
});
await consumer.waitUntilReady();
process.send?.({ done });
