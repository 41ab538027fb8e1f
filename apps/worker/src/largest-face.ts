import { boxArea, type Detection } from '@facet/contracts';

/** The face with the largest box, the first of equals; none of none. */
export function largestFace<Face extends Detection>(faces: readonly Face[]): Face[] {
	const [first, ...rest] = faces;
	if (first === undefined) return [];
	return [rest.reduce((best, next) => (boxArea(next.box) > boxArea(best.box) ? next : best), first)];
}
