import { type Detection, mapLandmarks, type Point, type RgbImage, scaleBox } from '@facet/contracts';
import { intersectionOverSmaller, intersectionOverUnion } from './box-overlap.ts';
import type { Candidate, Engine } from './engine.ts';
import type { SourcePicture } from './source-picture.ts';
import { findTileFaces } from './tile-pass.ts';
import { type Turn, turnBack, turnImage } from './turned-image.ts';
import { findUprightFaces } from './upright-faces.ts';
import type { DividedWork } from './work-division.ts';

export interface RescueOptions {
	/** Makes a detection of each face that a network found: landmarks, and what they say of the score. */
	readonly complete: DividedWork<Candidate, Detection>;
	/** The lowest score to answer. */
	readonly scoreThreshold: number;
	/** Whether the picture may lie on its side. */
	readonly turns: boolean;
	/** The picture it was scaled down from. */
	readonly source: SourcePicture;
}

/** A score that speaks for an upright face, as a part of the threshold; turned faces rarely get it. */
const SURE = 1.5;
const SUREST = 0.95;

/** How much better the best face of a turned picture must be than that of the picture as it is, or the threshold. */
const TURN_GAIN = 0.1;

/** In this order: pictures on their head are rare. */
const TURNS: readonly Turn[] = [90, 270, 180];

/** Pixels of the looked-at picture: when the smallest face is smaller, there may be others that are too small. */
const SMALL_FACE = 20;

/** Only a picture that is this many times as large has more to show. */
const LARGER = 1.5;

/** Boxes that overlap more than this show the same face; a box of which more lies in another shows a part of it. */
const SAME_FACE_IOU = 0.4;
const CONTAINMENT = 0.65;

/** Boxes that share at most this part of the smaller one are two faces, one beside the other. */
const ELSEWHERE_SHARE = 0.3;

/**
 * The faces of a picture, by the looks that it calls for: the plain one; a close-up when that found nothing or is unsure;
 * the picture turned, when no upright face is sure; tiles of a larger copy, when nothing or something very small was
 * found. Each is taken only on its evidence, so that most pictures cost one look.
 */
export async function detectWithRescue(
	engine: Engine,
	image: RgbImage,
	options: RescueOptions,
): Promise<Detection[]> {
	const upright = await completeAll(engine, image, options);
	const faces = options.turns ? await orTurned(engine, image, upright, options) : upright;
	return withTiles(engine, image, faces, options);
}

async function completeAll(
	engine: Engine,
	image: RgbImage,
	{ complete, scoreThreshold }: RescueOptions,
): Promise<Detection[]> {
	const least = Math.min(scoreThreshold, engine.scoreThreshold);
	const found = (await findUprightFaces(engine, image)).filter(({ score }) => score >= least);
	const detections = await complete(image, found);
	return detections.map((detection, index) => ({ ...detection, detectorPass: found[index]?.pass }));
}

async function orTurned(
	engine: Engine,
	image: RgbImage,
	upright: readonly Detection[],
	options: RescueOptions,
): Promise<readonly Detection[]> {
	const sure = engine.sureScore ?? Math.min(SUREST, SURE * engine.scoreThreshold);
	if (bestScore(upright) >= sure) return upright;
	let best = upright;
	// Where something was found upright, that it was poorly seen is likelier than that it lies on its side.
	const isFound = bestScore(upright) >= engine.scoreThreshold;
	let leastBest = Math.max(bestScore(upright), engine.scoreThreshold) + TURN_GAIN;
	if (isFound) leastBest = Math.max(leastBest, sure);
	for (const turn of TURNS) {
		const found = await completeAll(engine, turnImage(image, turn), options);
		if (bestScore(found) < leastBest) continue;
		const faces = found.map(
			(face): Detection => ({ ...turnBack(face, turn, image), detectorPass: `rotated_${turn}` }),
		);
		if (isFound && engine.look === undefined) {
			// UltraFace scores a turned face like an upright one, often higher: 3 of 154 video faces were answered turned.
			// Only more faces speak for a turn then.
			const { scoreThreshold } = engine;
			const isMore = countFaces(faces, scoreThreshold) > countFaces(best, scoreThreshold);
			if (!isMore || !hasFaceElsewhere(faces, upright, scoreThreshold)) continue;
		}
		leastBest = bestScore(found);
		best = faces;
		if (leastBest >= sure) break;
	}
	return best;
}

async function withTiles(
	engine: Engine,
	image: RgbImage,
	faces: readonly Detection[],
	{ source, complete, scoreThreshold }: RescueOptions,
): Promise<Detection[]> {
	const { decode } = source;
	if (decode === undefined || source.width < LARGER * image.width) return [...faces];
	const sides = faces
		.filter(({ score }) => score >= engine.scoreThreshold)
		.map(({ box }) => Math.min(box.width, box.height));
	if (Math.min(...sides) > SMALL_FACE && sides.length > 0) return [...faces];
	const tiles = await findTileFaces(engine, decode);
	const scale = image.width / tiles.image.width;
	const known = faces.map(({ box }) => scaleBox(box, 1 / scale, 1 / scale));
	const others: Candidate[] = [];
	for (const candidate of tiles.candidates) {
		if (candidate.score < scoreThreshold || known.some((box) => isSameFace(box, candidate))) continue;
		known.push(candidate.box);
		others.push(candidate);
	}
	const completed = await complete(tiles.image, others);
	return [
		...faces,
		...completed.map((face): Detection => ({ ...scaleFace(face, scale), detectorPass: 'tiles' })),
	];
}

function isSameFace(box: Candidate['box'], candidate: Candidate): boolean {
	return (
		intersectionOverUnion(box, candidate.box) > SAME_FACE_IOU ||
		intersectionOverSmaller(box, candidate.box) > CONTAINMENT
	);
}

function scaleFace(face: Detection, scale: number): Detection {
	const point = ({ x, y }: Point): Point => ({ x: x * scale, y: y * scale });
	return {
		...face,
		box: scaleBox(face.box, scale, scale),
		landmarks: mapLandmarks(face.landmarks, point),
		...(face.landmarks68 && { landmarks68: face.landmarks68.map(point) }),
	};
}

/**
 * Whether one of the faces lies where none of the `known` ones does. Two patterns in one face, its brow and its chin, are
 * no more faces than it. Only faces at or above the threshold count; boxes are in pixels of one picture.
 */
export function hasFaceElsewhere(
	faces: readonly Pick<Detection, 'box' | 'score'>[],
	known: readonly Pick<Detection, 'box' | 'score'>[],
	scoreThreshold: number,
): boolean {
	const taken = known.filter(({ score }) => score >= scoreThreshold);
	return faces.some(
		({ box, score }) =>
			score >= scoreThreshold &&
			taken.every((face) => intersectionOverSmaller(face.box, box) <= ELSEWHERE_SHARE),
	);
}

function countFaces(faces: readonly Detection[], scoreThreshold: number): number {
	return faces.filter(({ score }) => score >= scoreThreshold).length;
}

function bestScore(faces: readonly Detection[]): number {
	return Math.max(0, ...faces.map(({ score }) => score));
}
