import type { BoundingBox, DetectorPass, RgbImage, Size } from '@facet/contracts';
import type { Candidate, Engine } from './engine.ts';
import { type FusedFace, fuseLooks, type Look } from './fuse-looks.ts';

export interface UprightFace extends Candidate {
	readonly pass: DetectorPass;
}

/**
 * Anchors below this score say nothing. Always the same, whatever is asked for, so that a request's threshold changes
 * what is answered and nothing else.
 */
const LEAST_SCORE = 0.05;

/** Scores around the threshold, as parts of it, that call for a second look. */
const UNSURE = { from: 0.9, to: 1.2 };

/** The picture takes a half of the second look when nothing was found: the largest anchors fit a close-up then. */
const CLOSE_UP_ZOOM = 2;

/** It takes two thirds of it when something is unsure: another scale at little loss of detail. */
const SECOND_ZOOM = 1.5;

/** A face that takes more than this part of the picture's longer side outgrows the anchors of the plain look. */
const LARGEST_SHARE = 0.45;

/** Faces smaller than this, in pixels of the network's input, are below what a look can tell. */
const SMALLEST_FACE = 10;

/**
 * The faces of a picture as it lies: by one look of the network, and a second one, with the picture shrunk and padded,
 * when the first one found nothing or is unsure. Scores of single-shot detectors collapse when a face fills more than
 * about 40 % of the picture.
 */
export async function findUprightFaces(engine: Engine, image: RgbImage): Promise<UprightFace[]> {
	const { look, inputSide } = engine;
	// What takes several looks by itself has its own way with close-ups.
	if (look === undefined) {
		return (await engine.detect(image, LEAST_SCORE)).map((face) => ({ pass: 'plain', ...face }));
	}
	const take = async (zoom: number): Promise<Look> => ({
		candidates: await look(image, padded(image, zoom), LEAST_SCORE),
		sees: (box) => isSeen(box, image, zoom, inputSide),
	});
	const fusion = { softDownTo: engine.softSuppression === true ? LEAST_SCORE : undefined };
	const plain = await take(1);
	const faces = fuseLooks([plain], fusion);
	const zoom = secondZoom(faces, engine);
	return zoom === undefined
		? faces.map((face) => ({ ...face, pass: 'plain' }))
		: fuseLooks([plain, await take(zoom)], fusion).map((face) => ({
				...face,
				pass: face.look === 0 ? 'plain' : 'close_up',
			}));
}

function secondZoom(
	faces: readonly FusedFace[],
	{ scoreThreshold, secondLook = false }: Engine,
): number | undefined {
	if (!faces.some(({ score }) => score >= scoreThreshold)) return CLOSE_UP_ZOOM;
	if (!secondLook) return undefined;
	const isUnsure = faces.some(
		({ score }) => score >= UNSURE.from * scoreThreshold && score < UNSURE.to * scoreThreshold,
	);
	return isUnsure ? SECOND_ZOOM : undefined;
}

/** The picture with an even border, `zoom` times as large. */
function padded({ width, height }: Size, zoom: number): BoundingBox {
	return {
		x: ((1 - zoom) / 2) * width,
		y: ((1 - zoom) / 2) * height,
		width: zoom * width,
		height: zoom * height,
	};
}

function isSeen(box: BoundingBox, image: Size, zoom: number, inputSide: number): boolean {
	const side = Math.max(image.width, image.height) * zoom;
	const isTooLarge = Math.max(box.width, box.height) > LARGEST_SHARE * side;
	const isTooSmall = Math.min(box.width, box.height) * (inputSide / side) < SMALLEST_FACE;
	return !isTooLarge && !isTooSmall;
}
