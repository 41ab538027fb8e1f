/** One point of a curve, from the surest detections to all of them. */
export interface CurvePoint {
	readonly precision: number;
	readonly recall: number;
}

/** A detection that counts: a true positive or a false one. */
export interface Verdict {
	readonly score: number;
	readonly isTrue: boolean;
}

/** Precision and recall with each detection more, best first. */
export function curveOf(verdicts: readonly Verdict[], wanted: number): CurvePoint[] {
	let found = 0;
	return verdicts
		.toSorted((a, b) => b.score - a.score)
		.map(({ isTrue }, index) => {
			if (isTrue) found++;
			return { precision: found / (index + 1), recall: found / wanted };
		});
}

/**
 * Average precision with every point of the curve (PASCAL VOC 2010): the area under precision over recall, precision
 * at each recall being the best at that recall or any higher one.
 */
export function areaUnder(curve: readonly CurvePoint[]): number {
	let area = 0;
	let bestPrecision = 0;
	let nextRecall = curve.at(-1)?.recall ?? 0;
	for (const { precision, recall } of curve.toReversed()) {
		area += (nextRecall - recall) * bestPrecision;
		bestPrecision = Math.max(bestPrecision, precision);
		nextRecall = recall;
	}
	return area + nextRecall * bestPrecision;
}

/** The highest recall at which precision is still at least this. */
export function recallAt(curve: readonly CurvePoint[], leastPrecision: number): number {
	return curve.reduce(
		(best, { precision, recall }) => (precision >= leastPrecision ? Math.max(best, recall) : best),
		0,
	);
}
