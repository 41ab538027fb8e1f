import { parentPort, workerData } from 'node:worker_threads';
import { decodeForDetection } from '@facet/media/pictures';
import { createFaceDetector } from '@facet/vision';
import { z } from 'zod';

/**
 * A thread of `BoundPool`: decodes and searches photos as the service's threads do, and nothing else. Written out here
 * rather than taken from the worker, so that what the worker adds is seen.
 */

const LIMITS = { maxPixels: 100_000_000, timeoutMs: 60_000 };

export interface BoundTask {
	readonly paths: readonly string[];
	/** Number of the next photo that no thread has taken. */
	readonly next: Int32Array;
	/** Photos under way: 2 let the decoder work while the network does. */
	readonly inFlight: number;
}

const { modelsDir, model } = z.object({ modelsDir: z.string(), model: z.string() }).parse(workerData);
const detector = await createFaceDetector({ modelsDir, model });
const port = parentPort;
if (port === null) throw new Error('Expected to run as a thread');
port.on('message', async (task: BoundTask) => port.postMessage(await work(task)));
port.postMessage('ready');

/** @returns how many faces there were. */
async function work({ paths, next, inFlight }: BoundTask): Promise<number> {
	const loop = async () => {
		let faces = 0;
		for (;;) {
			const path = paths[Atomics.add(next, 0, 1)];
			if (path === undefined) return faces;
			faces += await look(path);
		}
	};
	const found = await Promise.all(Array.from({ length: inFlight }, loop));
	return found.reduce((sum, faces) => sum + faces, 0);
}

async function look(path: string): Promise<number> {
	const { image, width, height } = await decodeForDetection(path, { maxSide: detector.inputSide, ...LIMITS });
	const decode = async (mostPixels: number) => {
		const shrink = Math.min(1, Math.sqrt(mostPixels / (width * height)));
		const maxSide = Math.floor(Math.max(width, height) * shrink);
		return (await decodeForDetection(path, { maxSide, ...LIMITS })).image;
	};
	return (await detector.detect(image, { source: { width, height, decode }, turns: true })).length;
}
