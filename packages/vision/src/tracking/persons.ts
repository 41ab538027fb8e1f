import type { Person } from '@facet/contracts';
import { clusterTracks } from './track-clusters.ts';
import { bestOf, type Trajectory } from './trajectory.ts';

/**
 * Cosine of mean embeddings from which two tracks show one person. Of single faces of strangers one pair in 10,000
 * reaches .42; strangers in one photo, alike in age and light, reach it now and then.
 */
const SAME_PERSON_COSINE = 0.45;

/**
 * The distinct persons, in the order of their first appearance. Tracks of which no network was ever sure that they show
 * a face are no person: there is too little in them to tell one from another.
 *
 * @param trajectories - in the order of their ids, the first being 1.
 */
export function findPersons(trajectories: readonly Trajectory[]): Person[] {
	return clusterTracks(trajectories, SAME_PERSON_COSINE)
		.filter((cluster) => cluster.some(({ isSure }) => isSure))
		.map((cluster, index) => ({
			...toPerson(cluster),
			id: index + 1,
			trackIds: cluster.map((trajectory) => trajectories.indexOf(trajectory) + 1),
		}));
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
