import type { RgbImage } from '@facet/contracts';
import type { OnnxRuntime } from '@facet/vision';

/**
 * SCRFD read plainly, from the paper (Guo et al., "Sample and Computation Redistribution for Efficient Face
 * Detection", ICLR 2022) and the description of InsightFace's letterbox, as lists of numbers and without regard to
 * speed: what the engine has to agree with.
 */

export interface ReferenceFace {
	readonly score: number;
	/** Left, top, right and bottom edge in pixels of the picture. */
	readonly edges: readonly [number, number, number, number];
	/** x and y of five points. */
	readonly points: readonly (readonly [number, number])[];
}

type Session = Awaited<ReturnType<OnnxRuntime['open']>>;

const SIDE = 640;
const STRIDES = [8, 16, 32];
const ANCHORS = 2;
const SAME_FACE = 0.4;

/** For networks with 640 x 640 pixels and nine outputs: scores, boxes and points, each of strides 8, 16 and 32. */
export async function referenceFaces(
	session: Session,
	picture: RgbImage,
	scoreThreshold: number,
): Promise<ReferenceFace[]> {
	// The longer side becomes 640; the other one's fraction is cut off.
	const isUpright = picture.height > picture.width;
	const width = isUpright ? Math.trunc((SIDE * picture.width) / picture.height) : SIDE;
	const height = isUpright ? SIDE : Math.trunc((SIDE * picture.height) / picture.width);
	const outputs = [...(await session.run(toTensor(picture, width, height), [1, 3, SIDE, SIDE])).values()];
	const found: ReferenceFace[] = [];
	for (const [level, stride] of STRIDES.entries()) {
		const scores = outputs[level]?.data ?? [];
		const distances = outputs[level + 3]?.data ?? [];
		const offsets = outputs[level + 6]?.data ?? [];
		let anchor = 0;
		for (let row = 0; row < SIDE / stride; row++) {
			for (let column = 0; column < SIDE / stride; column++) {
				for (let which = 0; which < ANCHORS; which++, anchor++) {
					const score = scores[anchor] ?? 0;
					if (score < scoreThreshold) continue;
					const x = column * stride;
					const y = row * stride;
					const along = (values: ArrayLike<number>, index: number) => (values[index] ?? 0) * stride;
					const toX = (value: number) => (value * picture.width) / width;
					const toY = (value: number) => (value * picture.height) / height;
					found.push({
						score,
						edges: [
							toX(x - along(distances, anchor * 4)),
							toY(y - along(distances, anchor * 4 + 1)),
							toX(x + along(distances, anchor * 4 + 2)),
							toY(y + along(distances, anchor * 4 + 3)),
						],
						points: [0, 1, 2, 3, 4].map((point) => [
							toX(x + along(offsets, anchor * 10 + point * 2)),
							toY(y + along(offsets, anchor * 10 + point * 2 + 1)),
						]),
					});
				}
			}
		}
	}
	found.sort((a, b) => b.score - a.score);
	return found.filter((face, index) => !found.slice(0, index).some((better) => hides(better, face, found)));
}

/** Whether `better` stands and shows the same face. */
function hides(better: ReferenceFace, face: ReferenceFace, sorted: readonly ReferenceFace[]): boolean {
	if (overlap(better, face) <= SAME_FACE) return false;
	const before = sorted.slice(0, sorted.indexOf(better));
	return !before.some((best) => hides(best, better, sorted));
}

function overlap({ edges: a }: ReferenceFace, { edges: b }: ReferenceFace): number {
	const across = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
	const down = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
	if (across <= 0 || down <= 0) return 0;
	const area = (edges: readonly number[]) =>
		((edges[2] ?? 0) - (edges[0] ?? 0)) * ((edges[3] ?? 0) - (edges[1] ?? 0));
	return (across * down) / (area(a) + area(b) - across * down);
}

/** Bilinear, in the top-left corner, on black. */
function toTensor(picture: RgbImage, width: number, height: number): Float32Array {
	const tensor = new Float32Array(3 * SIDE * SIDE).fill((0 - 127.5) / 128);
	const last = { x: picture.width - 1, y: picture.height - 1 };
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++) {
			const fromX = Math.min(Math.max(((x + 0.5) * picture.width) / width - 0.5, 0), last.x);
			const fromY = Math.min(Math.max(((y + 0.5) * picture.height) / height - 0.5, 0), last.y);
			const [left, top] = [Math.floor(fromX), Math.floor(fromY)];
			for (let channel = 0; channel < 3; channel++) {
				const at = (column: number, row: number) =>
					picture.data[(Math.min(row, last.y) * picture.width + Math.min(column, last.x)) * 3 + channel] ?? 0;
				const across = fromX - left;
				const upper = at(left, top) * (1 - across) + at(left + 1, top) * across;
				const lower = at(left, top + 1) * (1 - across) + at(left + 1, top + 1) * across;
				const value = upper * (1 - (fromY - top)) + lower * (fromY - top);
				tensor[channel * SIDE * SIDE + y * SIDE + x] = (value - 127.5) / 128;
			}
		}
	}
	return tensor;
}
