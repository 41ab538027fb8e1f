/** A point in pixels of the picture as a person sees it (after EXIF orientation or display rotation). */
export interface Point {
	readonly x: number;
	readonly y: number;
}

/** An axis-aligned rectangle in pixels: top-left corner and extent. Never x1,y1,x2,y2. */
export interface BoundingBox {
	readonly x: number;
	readonly y: number;
	readonly width: number;
	readonly height: number;
}

export interface Size {
	readonly width: number;
	readonly height: number;
}

/** The part of `box` that lies inside a picture of `size`; zero extent when they do not meet. */
export function clipBox(box: BoundingBox, size: Size): BoundingBox {
	const left = clamp(box.x, 0, size.width);
	const top = clamp(box.y, 0, size.height);
	const right = clamp(box.x + box.width, left, size.width);
	const bottom = clamp(box.y + box.height, top, size.height);
	return { x: left, y: top, width: right - left, height: bottom - top };
}

/** The integer box whose edges are the rounded edges of `box`, so that neighbouring boxes stay neighbours. */
export function roundBox(box: BoundingBox): BoundingBox {
	const x = Math.round(box.x);
	const y = Math.round(box.y);
	return {
		x,
		y,
		width: Math.round(box.x + box.width) - x,
		height: Math.round(box.y + box.height) - y,
	};
}

/** The box of the same part of a picture that is `scaleX` times as wide and `scaleY` times as high. */
export function scaleBox(box: BoundingBox, scaleX: number, scaleY: number): BoundingBox {
	return {
		x: box.x * scaleX,
		y: box.y * scaleY,
		width: box.width * scaleX,
		height: box.height * scaleY,
	};
}

/** The smallest box around all of these, of which there is one at least. */
export function enclosingBox(boxes: readonly BoundingBox[]): BoundingBox {
	const x = Math.min(...boxes.map((box) => box.x));
	const y = Math.min(...boxes.map((box) => box.y));
	return {
		x,
		y,
		width: Math.max(...boxes.map((box) => box.x + box.width)) - x,
		height: Math.max(...boxes.map((box) => box.y + box.height)) - y,
	};
}

export function boxArea(box: BoundingBox): number {
	return box.width * box.height;
}

function clamp(value: number, low: number, high: number): number {
	return Math.min(Math.max(value, low), high);
}
