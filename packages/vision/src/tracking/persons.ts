import type { Person } from '@facet/contracts';
import type { ObservedFrame } from './observation.ts';
import { clusterTracks } from './track-clusters.ts';
import { bestOf, type Trajectory } from './trajectory.ts';

/**
 * Cosine of mean embeddings from which two tracks show one person. Of single faces of strangers one pair in 10,000
 * reaches .42; strangers in one photo, alike in age and light, reach it now and then.
 */
const SAME_PERSON_COSINE = 0.45;

/** Sightings of a face of which no network is sure, and their part of the frames in between, that make it a person. */
const STEADY_SIGHTINGS = 3;
const STEADY_SHARE = 0.5;

/**
 * The distinct persons, in the order of their first appearance. A face of which no network was ever sure is a person
 * only when it is seen steadily, as someone with a camera before their face is; chance patterns come and go.
 *
 * @param trajectories - in the order of their ids, the first being 1.
 * @param frames - all of them, in their order.
 */
export function findPersons(trajectories: readonly Trajectory[], frames: readonly ObservedFrame[]): Person[] {
	return clusterTracks(trajectories, SAME_PERSON_COSINE)
		.filter((cluster) => cluster.some((trajectory) => trajectory.isSure || isSteady(trajectory, frames)))
		.map((cluster, index) => ({
			...toPerson(cluster),
			id: index + 1,
			trackIds: cluster.map((trajectory) => trajectories.indexOf(trajectory) + 1),
		}));
}

function isSteady({ sightings }: Trajectory, frames: readonly ObservedFrame[]): boolean {
	const first = sightings[0]?.frame.index ?? 0;
	const last = sightings.at(-1)?.frame.index ?? 0;
	const span = frames.filter(({ index }) => index >= first && index <= last).length;
	return sightings.length >= STEADY_SIGHTINGS && sightings.length >= STEADY_SHARE * span;
}

function toPerson(cluster: readonly Trajectory[]): Omit<Person, 'id' | 'trackIds'> {
	const sightings = cluster
		.flatMap((trajectory) => trajectory.sightings)
		.sort((a, b) => a.frame.index - b.frame.index);
	const first = sightings[0];
	const last = sightings.at(-1);
	if (first === undefined || last === undefined) throw new Error('Expected a person to be seen');
	return {
		frames: sightings.map(({ frame }) => frame.index),
		firstSeenMs: first.frame.timestampMs,
		lastSeenMs: last.frame.timestampMs,
		best: bestOf(sightings),
	};
}
