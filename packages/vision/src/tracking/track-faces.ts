import { boxArea } from '@facet/contracts';
import { assign, type Pairing } from './assignment.ts';
import { motionEvidence } from './box-motion.ts';
import { isCredible } from './credibility.ts';
import type {
	FaceObservation,
	ObservedFrame,
	TrackedFace,
	TrackedFrame,
	TrackingOptions,
	TrackingResult,
} from './observation.ts';
import { findPersons } from './persons.ts';
import { clusterTracks } from './track-clusters.ts';
import { Trajectory } from './trajectory.ts';

/** Evidence, as the logarithm of odds, from which a face goes on with a track: the price of a wrong identity. */
const LEAST_EVIDENCE = 5.5;

/**
 * Cosine of mean embeddings from which two tracks are one that was broken: it began with a view that was like nothing,
 * half a face behind another one, say. Surer than what makes two tracks one person's.
 */
const SAME_TRACK_COSINE = 0.6;

/** Evidence of motion alone from which a face lies where a track should be. */
const IN_PLACE = 1;

/** Likeness of all faces that lie where tracks should be, as evidence, from which on they are other people's. */
const CUT_EVIDENCE = -1.5;

/**
 * Gives the faces of one video's sampled frames identities. Pure and deterministic; the order of the frames and of the
 * faces in a frame does not matter.
 *
 * Frame by frame, faces are assigned to tracks by the evidence of motion and of appearance together. Motion fades out by
 * itself where frames are so far apart that a prediction means nothing, and appearance alone decides; tracks never
 * expire, so that a face gets its old identity back after a cut or an absence. Weak faces come second, as in ByteTrack
 * (Zhang et al., "ByteTrack: Multi-Object Tracking by Associating Every Detection Box", ECCV 2022): they go on with a
 * track that no strong face went on with, or are dropped.
 *
 * @param frames - at most some hundred, of one video; indexes differ.
 */
export function trackFaces(frames: readonly ObservedFrame[], options: TrackingOptions): TrackingResult {
	const ordered = frames.toSorted((a, b) => a.index - b.index);
	const started: Trajectory[] = [];
	for (const frame of ordered) followInto(frame, started, options);
	const trajectories = clusterTracks(started, SAME_TRACK_COSINE)
		.map((parts) => Trajectory.join(parts))
		.filter((trajectory) => isCredible(trajectory, ordered));

	const trackIds = new Map<FaceObservation, number>();
	for (const [index, { sightings }] of trajectories.entries()) {
		for (const { observation } of sightings) trackIds.set(observation, index + 1);
	}
	return {
		frames: ordered.map((frame) => toTrackedFrame(frame, trackIds)),
		tracks: trajectories.map((trajectory, index) => trajectory.toTrack(index + 1)),
		persons: findPersons(trajectories, ordered),
		embeddings: new Map(trajectories.map(({ gallery }, index) => [index + 1, gallery.mean()])),
	};
}

/** Lets the trajectories go on into a frame, and starts new ones there. */
function followInto(frame: ObservedFrame, trajectories: Trajectory[], options: TrackingOptions): void {
	const faces = frame.observations.toSorted(largestFirst);
	const strong = faces.filter(({ score }) => score >= options.strongScore);
	const weak = faces.filter(({ score }) => score < options.strongScore);
	if (isAfterCut(frame, strong, trajectories)) {
		for (const trajectory of trajectories) trajectory.cut();
	}
	const started = associate(frame, strong, trajectories, true).map(
		(observation) => new Trajectory({ frame, observation, isStrong: true }),
	);
	const waiting = trajectories.filter(({ isSure }) => isSure).filter((each) => !each.isSeenIn(frame.index));
	associate(frame, weak, waiting, false);
	trajectories.push(...started);
}

/**
 * Assigns faces to trajectories.
 *
 * @returns the faces that are left over, in their order.
 */
function associate(
	frame: ObservedFrame,
	faces: readonly FaceObservation[],
	trajectories: readonly Trajectory[],
	isStrong: boolean,
): FaceObservation[] {
	const evidence = evaluate(trajectories, faces, (trajectory, face) => {
		const predicted = trajectory.predict(frame.timestampMs);
		const motion = predicted === undefined ? 0 : motionEvidence(predicted, face.box, frame);
		return motion + trajectory.likenessEvidence(face) - LEAST_EVIDENCE;
	});
	const left = new Set(faces);
	for (const { trajectory, face } of evidence) {
		trajectory.add({ frame, observation: face, isStrong });
		left.delete(face);
	}
	return [...left];
}

/**
 * Whether the camera has changed: there are faces where tracks should go on, and they look like other people. Faces
 * that are nowhere near a track need no such care, since their place speaks for no track then.
 */
function isAfterCut(
	frame: ObservedFrame,
	faces: readonly FaceObservation[],
	trajectories: readonly Trajectory[],
): boolean {
	const inPlace = evaluate(trajectories, faces, (trajectory, face) => {
		const predicted = trajectory.predict(frame.timestampMs);
		return predicted === undefined ? 0 : motionEvidence(predicted, face.box, frame) - IN_PLACE;
	});
	if (inPlace.length === 0) return false;
	const likeness = inPlace.map(({ trajectory, face }) => trajectory.likenessEvidence(face));
	return Math.max(...likeness) < 0 && likeness.reduce((total, value) => total + value, 0) < CUT_EVIDENCE;
}

/** The best pairs of trajectories and faces by a score that must be positive. */
function evaluate(
	trajectories: readonly Trajectory[],
	faces: readonly FaceObservation[],
	score: (trajectory: Trajectory, face: FaceObservation) => number,
): { trajectory: Trajectory; face: FaceObservation }[] {
	const scores = new Float64Array(trajectories.length * faces.length);
	for (const [row, trajectory] of trajectories.entries()) {
		for (const [column, face] of faces.entries()) {
			scores[row * faces.length + column] = score(trajectory, face);
		}
	}
	return assign(scores, trajectories.length, faces.length).flatMap(({ row, column }: Pairing) => {
		const trajectory = trajectories[row];
		const face = faces[column];
		return trajectory === undefined || face === undefined ? [] : [{ trajectory, face }];
	});
}

function toTrackedFrame(
	{ index, timestampMs, observations }: ObservedFrame,
	trackIds: ReadonlyMap<FaceObservation, number>,
): TrackedFrame {
	const faces: TrackedFace[] = [];
	for (const observation of observations.toSorted(largestFirst)) {
		const trackId = trackIds.get(observation);
		if (trackId === undefined) continue;
		// Named one by one: an embedding must not slip through.
		const { box, score, landmarks, landmarks68, pose, quality, detectorPass } = observation;
		faces.push({
			box,
			score,
			landmarks,
			...(landmarks68 && { landmarks68 }),
			...(pose && { pose }),
			...(quality !== undefined && { quality }),
			...(detectorPass && { detectorPass }),
			trackId,
		});
	}
	return { index, timestampMs, faces };
}

/** An order that does not depend on the one that the faces came in. */
function largestFirst(a: FaceObservation, b: FaceObservation): number {
	return boxArea(b.box) - boxArea(a.box) || a.box.x - b.box.x || a.box.y - b.box.y || b.score - a.score;
}
