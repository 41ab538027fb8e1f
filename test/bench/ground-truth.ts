import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Point } from '@facet/contracts';
import type { FivePoints, TrueFace } from './detection-scoring.ts';

export interface GroundTruthPhoto {
	readonly path: string;
	readonly faces: readonly TrueFace[];
}

/** One entry of `gt.json`. */
interface Entry {
	readonly file: string;
	/** `[x, y, width, height]` in pixels of the photo as a person sees it. */
	readonly boxes: readonly (readonly number[])[];
	/** Five `[x, y]` a box: left eye, right eye, nose, left and right mouth corner. */
	readonly landmarks5?: readonly (readonly (readonly number[])[])[];
}

/**
 * Reads `gt.json` of a folder of photos.
 *
 * @param smallestFace - faces with a side shorter than this, in pixels, are ignored.
 */
export async function readGroundTruth(folder: string, smallestFace: number): Promise<GroundTruthPhoto[]> {
	const path = join(folder, 'gt.json');
	const entries: unknown = JSON.parse(await readFile(path, 'utf8'));
	if (!Array.isArray(entries)) throw new Error(`Expected a list of photos in ${path}`);
	return entries.map((entry: unknown, index) => {
		if (!isEntry(entry)) throw new Error(`Expected {file, boxes, landmarks5?} at [${index}] of ${path}`);
		return { path: join(folder, entry.file), faces: toFaces(entry, smallestFace) };
	});
}

function toFaces({ boxes, landmarks5 }: Entry, smallestFace: number): TrueFace[] {
	return boxes.map(([x = 0, y = 0, width = 0, height = 0], index) => {
		const points = landmarks5?.[index];
		return {
			box: { x, y, width, height },
			ignored: Math.min(width, height) < smallestFace,
			...(points === undefined ? {} : { landmarks: toFivePoints(points) }),
		};
	});
}

function toFivePoints(points: readonly (readonly number[])[]): FivePoints {
	const [leftEye, rightEye, nose, mouthLeft, mouthRight] = points.map(toPoint);
	if (!leftEye || !rightEye || !nose || !mouthLeft || !mouthRight) {
		throw new Error(`Expected five landmarks but received ${points.length}`);
	}
	return [leftEye, rightEye, nose, mouthLeft, mouthRight];
}

function toPoint([x = 0, y = 0]: readonly number[]): Point {
	return { x, y };
}

function isEntry(value: unknown): value is Entry {
	if (typeof value !== 'object' || value === null || !('file' in value) || !('boxes' in value)) return false;
	const hasLandmarks = 'landmarks5' in value && value.landmarks5 !== undefined;
	return (
		typeof value.file === 'string' &&
		isListOf(value.boxes, isNumbers) &&
		(!hasLandmarks || isListOf(value.landmarks5, (face) => isListOf(face, isNumbers)))
	);
}

function isNumbers(value: unknown): boolean {
	return isListOf(value, (item) => typeof item === 'number');
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
	return Array.isArray(value) && value.every(isItem);
}
