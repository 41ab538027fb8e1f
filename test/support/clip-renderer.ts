import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { BoundingBox, Point, Size } from '@facet/contracts';
import { boxArea, clipBox } from '@facet/contracts';
import { FACE_PHOTOS, type FacePhotoName } from './face-photos.ts';

/**
 * Makes clips with exact ground truth out of the sample photos, by ffmpeg: cameras that move over a scaled photo, and
 * parts of photos that move over a plain background. They move by whole pixels, so every face's box in every frame
 * follows from its box in the photo.
 */

/** Something that moves evenly, by whole pixels; `to` is where it would be one frame after its last. */
interface Movement {
	readonly photo: FacePhotoName;
	/** Width that the photo, or the part of it, is scaled to, in pixels of the clip. */
	readonly width: number;
	readonly from: Point;
	readonly to: Point;
}

/** A camera over a photo: `from` and `to` are the picture's top-left corner in the scaled photo. */
export interface Shot extends Movement {
	readonly frames: number;
}

/** A part of a photo: `from` and `to` are its own top-left corner in the picture. */
export interface Cutout extends Movement {
	/** In pixels of the photo. */
	readonly part: BoundingBox;
}

export interface Clip {
	readonly name: string;
	readonly fps: number;
	/** Shots, one after the other; or cut-outs over a plain background, later ones in front. */
	readonly scene:
		| { readonly shots: readonly Shot[] }
		| { readonly cutouts: readonly Cutout[]; readonly frames: number };
}

/** One frame of a `.gt.json`. */
interface TrueFrame {
	readonly frame: number;
	/** Seconds after the first frame. */
	readonly t: number;
	/** `[x, y, width, height]` in pixels, clipped to the picture. */
	readonly boxes: readonly (readonly number[])[];
	readonly ids: readonly number[];
	/** The part of each face that is in the picture and not covered. */
	readonly visibility: readonly number[];
}

interface PlacedFace {
	readonly id: number;
	readonly box: BoundingBox;
	/** What lies in front of it. */
	readonly covers: readonly BoundingBox[];
}

const PICTURE: Size = { width: 960, height: 540 };

/** Faces of which less than this can be seen are not there. */
const LEAST_VISIBLE = 0.05;

const execute = promisify(execFile);

/**
 * Writes `NAME.mp4` and `NAME.gt.json` into a folder.
 *
 * @returns the path of the video.
 */
export async function renderClip({ name, fps, scene }: Clip, folder: string): Promise<string> {
	const path = join(folder, `${name}.mp4`);
	const { inputs, filters } = 'shots' in scene ? filterShots(scene.shots, fps) : filterCutouts(scene, fps);
	await execute('ffmpeg', [
		...['-v', 'error', '-y'],
		...inputs.flatMap((input) => ['-i', input]),
		...['-filter_complex', `${filters},format=yuv420p[out]`, '-map', '[out]'],
		...['-c:v', 'libx264', '-preset', 'veryfast', '-crf', '23', path],
	]);
	const faces = 'shots' in scene ? scene.shots.flatMap(placeInShot) : placeCutouts(scene);
	const truth = faces.map((placed, frame) => toTrueFrame(placed, frame, fps));
	await writeFile(join(folder, `${name}.gt.json`), JSON.stringify(truth));
	return path;
}

function filterShots(shots: readonly Shot[], fps: number): { inputs: string[]; filters: string } {
	const branches = shots.map(({ photo, width, frames, from, to }, index) => {
		const { x, y } = expressionOf(from, to, frames);
		const height = scaledHeight(FACE_PHOTOS[photo], width);
		const still = `scale=${width}:${height},format=yuv444p,loop=${frames - 1}:1:0,setpts=N/${fps}/TB`;
		return `[${index}]${still},crop=${PICTURE.width}:${PICTURE.height}:${x}:${y},setsar=1[shot${index}]`;
	});
	const labels = shots.map((_shot, index) => `[shot${index}]`).join('');
	return {
		inputs: shots.map(({ photo }) => FACE_PHOTOS[photo].path),
		filters: `${branches.join(';')};${labels}concat=n=${shots.length},fps=${fps}`,
	};
}

function filterCutouts(
	{ cutouts, frames }: { cutouts: readonly Cutout[]; frames: number },
	fps: number,
): { inputs: string[]; filters: string } {
	const parts = cutouts.map(({ part, width }, index) => {
		const crop = `crop=${part.width}:${part.height}:${part.x}:${part.y}`;
		return `[${index}]${crop},scale=${width}:${scaledHeight(part, width)},format=yuv444p[part${index}]`;
	});
	const background = `color=gray:s=${PICTURE.width}x${PICTURE.height}:r=${fps},trim=end_frame=${frames}`;
	const overlays = cutouts.map(({ from, to }, index) => {
		const { x, y } = expressionOf(from, to, frames);
		return `[part${index}]overlay=${x}:${y}:format=yuv444`;
	});
	return {
		inputs: cutouts.map(({ photo }) => FACE_PHOTOS[photo].path),
		filters: `${parts.join(';')};${background}[layer0];${overlays
			.map((overlay, index) => `[layer${index}]${overlay}[layer${index + 1}]`)
			.join(';')};[layer${cutouts.length}]null`,
	};
}

/** The position in frame n, as ffmpeg computes it and as `positionIn` does. */
function expressionOf(from: Point, to: Point, frames: number): { x: string; y: string } {
	const along = (start: number, end: number) => `'floor(${start}+${end - start}*n/${frames})'`;
	return { x: along(from.x, to.x), y: along(from.y, to.y) };
}

function positionIn(frame: number, { from, to }: Movement, frames: number): Point {
	const along = (start: number, end: number) => Math.floor(start + ((end - start) * frame) / frames);
	return { x: along(from.x, to.x), y: along(from.y, to.y) };
}

function placeInShot(shot: Shot): PlacedFace[][] {
	const photo = FACE_PHOTOS[shot.photo];
	const whole = { x: 0, y: 0, width: photo.width, height: photo.height };
	return Array.from({ length: shot.frames }, (_frame, frame) => {
		const { x, y } = positionIn(frame, shot, shot.frames);
		return placeFaces(shot, whole, { x: -x, y: -y }, []);
	});
}

function placeCutouts({ cutouts, frames }: { cutouts: readonly Cutout[]; frames: number }): PlacedFace[][] {
	return Array.from({ length: frames }, (_frame, frame) =>
		cutouts.flatMap((cutout, index) => {
			const covers = cutouts.slice(index + 1).map((other) => ({
				...positionIn(frame, other, frames),
				width: other.width,
				height: scaledHeight(other.part, other.width),
			}));
			return placeFaces(cutout, cutout.part, positionIn(frame, cutout, frames), covers);
		}),
	);
}

/** The faces of a photo whose `part`, scaled, has its top-left corner at `corner`. */
function placeFaces(
	{ photo, width }: Movement,
	part: BoundingBox,
	corner: Point,
	covers: readonly BoundingBox[],
): PlacedFace[] {
	const scaleX = width / part.width;
	const scaleY = scaledHeight(part, width) / part.height;
	return FACE_PHOTOS[photo].faces
		.filter(({ box }) => visiblePart({ ...box, x: box.x - part.x, y: box.y - part.y }, part, []) > 0.9)
		.map(({ id, box }) => ({
			id,
			covers,
			box: {
				x: corner.x + (box.x - part.x) * scaleX,
				y: corner.y + (box.y - part.y) * scaleY,
				width: box.width * scaleX,
				height: box.height * scaleY,
			},
		}));
}

function toTrueFrame(faces: readonly PlacedFace[], frame: number, fps: number): TrueFrame {
	const visible = faces
		.map((face) => ({ ...face, visibility: visiblePart(face.box, PICTURE, face.covers) }))
		.filter(({ visibility }) => visibility >= LEAST_VISIBLE);
	return {
		frame,
		t: frame / fps,
		boxes: visible.map(({ box }) => {
			const { x, y, width, height } = clipBox(box, PICTURE);
			return [x, y, width, height];
		}),
		ids: visible.map(({ id }) => id),
		visibility: visible.map(({ visibility }) => visibility),
	};
}

/** Covers never overlap one another here: there are two cut-outs at most. */
function visiblePart(box: BoundingBox, picture: Size, covers: readonly BoundingBox[]): number {
	const clipped = clipBox(box, picture);
	let area = boxArea(clipped);
	for (const cover of covers) {
		const inside = { ...clipped, x: clipped.x - cover.x, y: clipped.y - cover.y };
		area -= boxArea(clipBox(inside, cover));
	}
	return area / boxArea(box);
}

/** Even, as video encoders want it. */
function scaledHeight({ width, height }: Size, scaledWidth: number): number {
	return 2 * Math.round((height * scaledWidth) / width / 2);
}
