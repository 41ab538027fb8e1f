import type { Person } from '@facet/contracts';
import { cosine } from './appearance.ts';
import { predictMotion, startMotion, trustIn } from './box-motion.ts';
import type { ObservedFrame, TrackingOptions } from './observation.ts';
import { bestOf, type Sighting, type Trajectory } from './trajectory.ts';

/**
 * Cosine of mean embeddings from which two tracks show one person. Of pairs of single faces of strangers, one in 1,000
 * reaches .35; means are less noisy.
 */
const SAME_PERSON_COSINE = 0.4;

/** How reliably a face must be expected in a frame for its absence there to say something, see `trustIn`. */
const EXPECTED = 0.5;

/** Tracks of one person. */
interface Cluster {
	readonly members: readonly Member[];
	/** Sum of the members' mean embeddings, each as often as its track was seen; of length 1. */
	readonly mean: Float32Array;
}

interface Member {
	readonly trackId: number;
	readonly trajectory: Trajectory;
}

/**
 * The distinct persons: tracks agglomerated by their mean embeddings, the most alike first. Two tracks that are seen in
 * the same frame are never one person's.
 *
 * @param trajectories - in the order of their ids, the first being 1.
 */
export function findPersons(
	frames: readonly ObservedFrame[],
	trajectories: readonly Trajectory[],
	options: TrackingOptions,
): Person[] {
	let clusters = trajectories.map((trajectory, index) => clusterOf([{ trackId: index + 1, trajectory }]));
	for (let pair = mostAlike(clusters); pair !== undefined; pair = mostAlike(clusters)) {
		const [kept, absorbed] = pair;
		const merged = clusterOf([...kept.members, ...absorbed.members]);
		clusters = clusters
			.filter((cluster) => cluster !== absorbed)
			.map((cluster) => (cluster === kept ? merged : cluster));
	}
	return clusters
		.filter((cluster) => isCredible(sightingsOf(cluster), frames, options))
		.map((cluster, index) => toPerson(cluster, index + 1));
}

/** The two clusters that are most alike, and alike enough; the earlier one first. */
function mostAlike(clusters: readonly Cluster[]): [Cluster, Cluster] | undefined {
	let best: [Cluster, Cluster] | undefined;
	let bestCosine = SAME_PERSON_COSINE;
	for (const [index, first] of clusters.entries()) {
		for (const second of clusters.slice(index + 1)) {
			const likeness = cosine(first.mean, second.mean);
			if (likeness < bestCosine || areSeenTogether(first, second)) continue;
			best = [first, second];
			bestCosine = likeness;
		}
	}
	return best;
}

function areSeenTogether(first: Cluster, second: Cluster): boolean {
	return first.members.some(({ trajectory }) =>
		second.members.some((other) => trajectory.isSeenWith(other.trajectory)),
	);
}

function clusterOf(members: readonly Member[]): Cluster {
	const means = members.map(({ trajectory }) => ({
		mean: trajectory.gallery.mean(),
		weight: trajectory.sightings.length,
	}));
	const sum = new Float32Array(means[0]?.mean.length ?? 0);
	for (const { mean, weight } of means) {
		for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + weight * (mean[i] ?? 0);
	}
	const length = Math.sqrt(cosine(sum, sum)) || 1;
	return { members, mean: sum.map((value) => value / length) };
}

/**
 * Whether a person was really there. A face that was seen only once and is none too sure is none where it should have
 * been seen in the frame before or after: those are near in time, show others who are seen in both, and the face was too
 * far from the picture's edge to have left.
 */
function isCredible(
	sightings: readonly Sighting[],
	frames: readonly ObservedFrame[],
	{ strongScore }: TrackingOptions,
): boolean {
	const [only] = sightings;
	if (only === undefined || sightings.length > 1) return only !== undefined;
	const { frame, observation } = only;
	if (observation.score >= (1 + strongScore) / 2) return true;
	const at = frames.indexOf(frame);
	const neighbours = [frames[at - 1], frames[at + 1]].filter((neighbour) => neighbour !== undefined);
	return !neighbours.some((neighbour) => isExpectedIn(neighbour, only));
}

function isExpectedIn({ timestampMs }: ObservedFrame, { frame, observation: { box } }: Sighting): boolean {
	const motion = predictMotion(startMotion(box, 0), Math.abs(timestampMs - frame.timestampMs));
	const isInside =
		box.x > box.width &&
		box.y > box.height &&
		box.x + 2 * box.width < frame.width &&
		box.y + 2 * box.height < frame.height;
	return isInside && trustIn(motion) > EXPECTED;
}

function sightingsOf({ members }: Cluster): Sighting[] {
	return members
		.flatMap(({ trajectory }) => trajectory.sightings)
		.sort((a, b) => a.frame.index - b.frame.index);
}

function toPerson(cluster: Cluster, id: number): Person {
	const sightings = sightingsOf(cluster);
	const first = sightings[0];
	const last = sightings.at(-1);
	if (first === undefined || last === undefined) throw new Error('Expected a person to be seen');
	return {
		id,
		trackIds: cluster.members.map(({ trackId }) => trackId).sort((a, b) => a - b),
		frames: sightings.map(({ frame }) => frame.index),
		firstSeenMs: first.frame.timestampMs,
		lastSeenMs: last.frame.timestampMs,
		best: bestOf(sightings),
	};
}
