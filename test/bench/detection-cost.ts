import {
	createFaceDetector,
	type FaceDetector,
	type FaceDetectorOptions,
	OnnxRuntime,
	type OnnxSession,
} from '@facet/vision';
import { type DecodedPhoto, decodePhoto } from './run-detector.ts';
import { median } from './suite/statistics.ts';

/** What the detector costs where its plain look is enough. Times are processor time in milliseconds a photo. */
export interface DetectionCost {
	readonly model: string;
	/** Photos for which no more looks were taken than the plain ones. */
	readonly photos: number;
	/** One look of the network that answers no face. */
	readonly networkMs: number;
	/** One look with non-maximum suppression, and landmarks, pose and quality of its faces. */
	readonly plainMs: number;
	/** The detector as a worker runs it. */
	readonly detectorMs: number;
	/** What the detector takes of the time of a plain look with the same fields, in each round. */
	readonly ratios: readonly number[];
	/** The same of a photo, over all rounds: the median. */
	readonly medianRatio: number;
	/** What the detector takes of the network's time, in each round. */
	readonly networkRatios: readonly number[];
	/** As `ratios`, on all photos, with the looks that some call for. */
	readonly allRatios: readonly number[];
}

interface Costs {
	readonly network: number;
	readonly plain: number;
	readonly detector: number;
}

/**
 * Compares a detector to the plain look of its network (one run, or UltraFace's five tiles) on the photos for which it takes
 * no other look, and on all, in turns photo by photo. Decoding is left out: it is the same for both.
 *
 * @param rounds - how often each photo is looked at by both.
 */
export async function measureCost(
	options: FaceDetectorOptions,
	paths: readonly string[],
	rounds: number,
): Promise<DetectionCost> {
	const runtime = new CountingRuntime();
	const detector = await createFaceDetector({ ...options, runtime });
	try {
		const calm = await photosOfPlainLooks(detector, runtime, paths);
		// By round, then by photo.
		const costs: Costs[][] = [];
		for (let round = 0; round < rounds; round++) {
			const ofRound: Costs[] = [];
			for (const [index, path] of paths.entries()) {
				const photo = await decodePhoto(path, detector.inputSide);
				ofRound.push(await costOf(detector, photo, (round + index) % 2 === 0));
			}
			costs.push(ofRound);
		}
		const ofRounds = costs.map((photos) => sumOf(photos.filter((_, index) => calm.has(index))));
		const ofPhotos = [...calm].map((index) => sumOf(costs.flatMap((photos) => photos[index] ?? [])));
		const total = sumOf(ofRounds);
		const looks = rounds * calm.size;
		const ratio = (cost: Costs) => cost.detector / cost.plain;
		return {
			model: detector.name,
			photos: calm.size,
			networkMs: total.network / looks,
			plainMs: total.plain / looks,
			detectorMs: total.detector / looks,
			ratios: ofRounds.map(ratio),
			medianRatio: median(ofPhotos.map(ratio)),
			networkRatios: ofRounds.map((cost) => cost.detector / cost.network),
			allRatios: costs.map((photos) => ratio(sumOf(photos))),
		};
	} finally {
		await detector.close();
	}
}

/** Indices of those for which the detector runs its network as often as the plain look does: the fewest runs of all. */
async function photosOfPlainLooks(
	detector: FaceDetector,
	runtime: CountingRuntime,
	paths: readonly string[],
): Promise<Set<number>> {
	let plainRuns = Number.POSITIVE_INFINITY;
	const runs: number[] = [];
	for (const path of paths) {
		const { image, source } = await decodePhoto(path, detector.inputSide);
		let before = runtime.detectorRuns;
		await detector.detect(image, { source, plain: true });
		plainRuns = Math.min(plainRuns, runtime.detectorRuns - before);
		before = runtime.detectorRuns;
		await detector.detect(image, { source, turns: true });
		runs.push(runtime.detectorRuns - before);
	}
	return new Set([...paths.keys()].filter((index) => runs[index] === plainRuns));
}

async function costOf(
	detector: FaceDetector,
	{ image, source }: DecodedPhoto,
	isPlainFirst: boolean,
): Promise<Costs> {
	const plainLook = () => detector.detect(image, { source, plain: true });
	// No face reaches a score of 2, and what is no face gets no landmarks.
	const networkAlone = () => detector.detect(image, { source, plain: true, scoreThreshold: 2 });
	const wholeDetector = () => detector.detect(image, { source, turns: true });
	const network = await processorTime(networkAlone);
	if (isPlainFirst) {
		const plain = await processorTime(plainLook);
		return { network, plain, detector: await processorTime(wholeDetector) };
	}
	const whole = await processorTime(wholeDetector);
	return { network, plain: await processorTime(plainLook), detector: whole };
}

function sumOf(costs: readonly Costs[]): Costs {
	const sum = (which: keyof Costs) => costs.reduce((total, each) => total + each[which], 0);
	return { network: sum('network'), plain: sum('plain'), detector: sum('detector') };
}

async function processorTime(work: () => Promise<unknown>): Promise<number> {
	const start = process.cpuUsage();
	await work();
	const { user, system } = process.cpuUsage(start);
	return (user + system) / 1000;
}

/** Counts the runs of the detection network. */
class CountingRuntime extends OnnxRuntime {
	detectorRuns = 0;

	override async open(path: string, change?: (model: Buffer) => Buffer): Promise<OnnxSession> {
		const session = await super.open(path, change);
		return {
			...session,
			run: (input, shape) => {
				// Landmarks are found in grey squares, faces in pictures of three colours.
				if (shape[1] !== 1) this.detectorRuns++;
				return session.run(input, shape);
			},
		};
	}
}
