import {
	createFaceDetector,
	type Engine,
	type FaceDetector,
	type FaceDetectorOptions,
	findModel,
	findModelFile,
	isModelPath,
	OnnxRuntime,
	type OnnxSession,
	openEngine,
} from '@facet/vision';
import { type DecodedPhoto, decodePhoto } from './run-detector.ts';
import { median } from './suite/statistics.ts';

/** What the whole detector costs where the plain look is enough. Times are processor time in milliseconds a photo. */
export interface DetectionCost {
	readonly model: string;
	/** Photos for which no more looks were taken than the plain ones. */
	readonly photos: number;
	/** The network, and non-maximum suppression. */
	readonly plainMs: number;
	/** The detector as a worker runs it, but for its landmark network. */
	readonly detectorMs: number;
	/** The detector as a worker runs it. */
	readonly wholeMs: number;
	/** What the detector takes of the plain look's time, in each round. */
	readonly ratios: readonly number[];
	/** The same with the landmark network. */
	readonly wholeRatios: readonly number[];
	/** Over photos, of all rounds together, without the landmark network. */
	readonly medianRatio: number;
}

interface Costs {
	plain: number;
	detector: number;
	whole: number;
}

/**
 * Compares a detector to the plain look of its network (one run, or UltraFace's five tiles) on the photos for which it takes
 * no other look, in turns photo by photo. Decoding is left out: it is the same for both.
 *
 * @param rounds - how often each photo is looked at by both.
 */
export async function measureCost(
	{ modelsDir, model }: FaceDetectorOptions,
	paths: readonly string[],
	rounds: number,
): Promise<DetectionCost> {
	const runtime = new MeteredRuntime();
	const detector = await createFaceDetector({ modelsDir, model, runtime });
	const find = isModelPath(model) ? findModelFile : findModel;
	const { engine } = await openEngine(await find(modelsDir, model), runtime);
	try {
		const photos = await photosOfPlainLooks(engine, detector, runtime, paths);
		const ofPhotos = photos.map((): Costs => ({ plain: 0, detector: 0, whole: 0 }));
		const ofRounds: Costs[] = [];
		for (let round = 0; round < rounds; round++) {
			const ofRound = { plain: 0, detector: 0, whole: 0 };
			for (const [index, path] of photos.entries()) {
				const photo = await decodePhoto(path, detector.inputSide);
				const ofPhoto = ofPhotos[index];
				const isPlainFirst = (round + index) % 2 === 0;
				const before = isPlainFirst ? await plainCost(engine, photo) : 0;
				const { detector: detectorMs, whole } = await wholeCost(detector, runtime, photo);
				const plain = isPlainFirst ? before : await plainCost(engine, photo);
				for (const costs of [ofRound, ...(ofPhoto ? [ofPhoto] : [])]) {
					costs.plain += plain;
					costs.detector += detectorMs;
					costs.whole += whole;
				}
			}
			ofRounds.push(ofRound);
		}
		const mean = (cost: keyof Costs) =>
			ofRounds.reduce((sum, costs) => sum + costs[cost], 0) / (rounds * photos.length);
		return {
			model: detector.name,
			photos: photos.length,
			plainMs: mean('plain'),
			detectorMs: mean('detector'),
			wholeMs: mean('whole'),
			ratios: ofRounds.map((costs) => costs.detector / costs.plain),
			wholeRatios: ofRounds.map((costs) => costs.whole / costs.plain),
			medianRatio: median(ofPhotos.map((costs) => costs.detector / costs.plain)),
		};
	} finally {
		await engine.close();
		await detector.close();
	}
}

/** Those for which the detector runs its network as often as the plain look does: the fewest runs of all photos. */
async function photosOfPlainLooks(
	engine: Engine,
	detector: FaceDetector,
	runtime: MeteredRuntime,
	paths: readonly string[],
): Promise<string[]> {
	let plainRuns = Number.POSITIVE_INFINITY;
	const runs: number[] = [];
	for (const path of paths) {
		const photo = await decodePhoto(path, detector.inputSide);
		let before = runtime.detectorRuns;
		await engine.detect(photo.image, engine.scoreThreshold);
		plainRuns = Math.min(plainRuns, runtime.detectorRuns - before);
		before = runtime.detectorRuns;
		await detector.detect(photo.image, { source: photo.source, turns: true });
		runs.push(runtime.detectorRuns - before);
	}
	return paths.filter((_, index) => runs[index] === plainRuns);
}

async function plainCost(engine: Engine, { image }: DecodedPhoto): Promise<number> {
	const start = process.cpuUsage();
	await engine.detect(image, engine.scoreThreshold);
	return millisecondsSince(start);
}

async function wholeCost(
	detector: FaceDetector,
	runtime: MeteredRuntime,
	{ image, source }: DecodedPhoto,
): Promise<Omit<Costs, 'plain'>> {
	const landmarksBefore = runtime.landmarkMs;
	const start = process.cpuUsage();
	await detector.detect(image, { source, turns: true });
	const whole = millisecondsSince(start);
	return { whole, detector: whole - (runtime.landmarkMs - landmarksBefore) };
}

/** Counts the runs of detection networks, and takes the processor time of those of the landmark network. */
class MeteredRuntime extends OnnxRuntime {
	detectorRuns = 0;
	landmarkMs = 0;

	override async open(path: string, change?: (model: Buffer) => Buffer): Promise<OnnxSession> {
		const session = await super.open(path, change);
		return {
			...session,
			run: async (input, shape) => {
				// Landmarks are found in grey squares, faces in pictures of three colours.
				if (shape[1] !== 1) {
					this.detectorRuns++;
					return session.run(input, shape);
				}
				const start = process.cpuUsage();
				const outputs = await session.run(input, shape);
				this.landmarkMs += millisecondsSince(start);
				return outputs;
			},
		};
	}
}

function millisecondsSince(start: NodeJS.CpuUsage): number {
	const { user, system } = process.cpuUsage(start);
	return (user + system) / 1000;
}
