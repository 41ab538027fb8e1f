import { boxArea, type Detection, roundBox } from '@facet/contracts';

/** The face with the largest box, the first of equals; none of none. By whole pixels, as clients see the boxes. */
export function largestFace<Face extends Detection>(faces: readonly Face[]): Face[] {
	const [first, ...rest] = faces;
	if (first === undefined) return [];
	const area = ({ box }: Face) => boxArea(roundBox(box));
	return [rest.reduce((best, next) => (area(next) > area(best) ? next : best), first)];
}
