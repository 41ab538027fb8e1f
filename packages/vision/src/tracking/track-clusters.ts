import { cosine } from './appearance.ts';
import type { Trajectory } from './trajectory.ts';

/**
 * Agglomerates tracks by the likeness of their mean embeddings, the most alike first, with average linkage. Two tracks
 * that are seen in one frame never get together, nor do the clusters that they are in.
 *
 * Each row remembers its best partner, so that a merger costs O(n) as a rule, and all of them O(n²).
 *
 * @param leastCosine - of two clusters that are merged.
 * @returns the clusters in the order of their first tracks, each in the tracks' order.
 */
export function clusterTracks(trajectories: readonly Trajectory[], leastCosine: number): Trajectory[][] {
	const clusters = trajectories.map((trajectory): Trajectory[] => [trajectory]);
	const likeness = likenessMatrix(trajectories);
	const partners = clusters.map((_cluster, row) => bestPartner(likeness, row));
	for (;;) {
		const [kept, absorbed] = bestPair(likeness, partners, leastCosine);
		if (kept === undefined || absorbed === undefined) break;
		merge(likeness, clusters, kept, absorbed);
		for (const [row, partner] of partners.entries()) {
			const isTouched = row === kept || row === absorbed || partner === kept || partner === absorbed;
			// Average linkage: the merged cluster is no nearer to a third one than the nearer of its parts was.
			if (isTouched) partners[row] = bestPartner(likeness, row);
		}
	}
	return clusters
		.filter((cluster) => cluster.length > 0)
		.map((cluster) => cluster.toSorted((a, b) => trajectories.indexOf(a) - trajectories.indexOf(b)));
}

/** Likeness that keeps two clusters apart for good. */
const NEVER = Number.NEGATIVE_INFINITY;

/** Row by row; symmetrical. */
type Matrix = readonly Float64Array[];

function likenessMatrix(trajectories: readonly Trajectory[]): Matrix {
	const means = trajectories.map(({ gallery }) => gallery.mean());
	const matrix = trajectories.map(() => new Float64Array(trajectories.length).fill(NEVER));
	for (const [row, first] of trajectories.entries()) {
		for (let column = 0; column < row; column++) {
			const second = trajectories[column];
			const [a, b] = [means[row], means[column]];
			if (second === undefined || a === undefined || b === undefined || first.isSeenWith(second)) continue;
			setBoth(matrix, row, column, cosine(a, b));
		}
	}
	return matrix;
}

/** The column that is most like a row; -1 when none may be merged with it. The first of equals. */
function bestPartner(likeness: Matrix, row: number): number {
	let best = -1;
	let bestLikeness = NEVER;
	for (const [column, value] of likeness[row]?.entries() ?? []) {
		if (value <= bestLikeness) continue;
		best = column;
		bestLikeness = value;
	}
	return best;
}

/** The two most alike clusters, the earlier one first; nothing when none are alike enough. */
function bestPair(likeness: Matrix, partners: readonly number[], leastCosine: number): number[] {
	let best: number[] = [];
	let bestLikeness = leastCosine;
	for (const [row, partner] of partners.entries()) {
		const value = likeness[row]?.[partner] ?? NEVER;
		if (value < bestLikeness || (value === bestLikeness && best.length > 0)) continue;
		best = [Math.min(row, partner), Math.max(row, partner)];
		bestLikeness = value;
	}
	return best;
}

function merge(likeness: Matrix, clusters: Trajectory[][], kept: number, absorbed: number): void {
	const keptSize = sightingsIn(clusters[kept]);
	const absorbedSize = sightingsIn(clusters[absorbed]);
	for (let other = 0; other < clusters.length; other++) {
		const toKept = likeness[kept]?.[other] ?? NEVER;
		const toAbsorbed = likeness[absorbed]?.[other] ?? NEVER;
		const mean = (keptSize * toKept + absorbedSize * toAbsorbed) / (keptSize + absorbedSize);
		setBoth(likeness, kept, other, other === absorbed ? NEVER : mean);
	}
	for (let other = 0; other < clusters.length; other++) setBoth(likeness, absorbed, other, NEVER);
	clusters[kept]?.push(...(clusters[absorbed] ?? []));
	clusters[absorbed] = [];
}

function sightingsIn(cluster: readonly Trajectory[] = []): number {
	return cluster.reduce((total, { sightings }) => total + sightings.length, 0);
}

function setBoth(matrix: Matrix, row: number, column: number, value: number): void {
	const first = matrix[row];
	const second = matrix[column];
	if (first !== undefined) first[column] = value;
	if (second !== undefined) second[row] = value;
}
