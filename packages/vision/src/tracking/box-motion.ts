import type { BoundingBox, Size } from '@facet/contracts';
import { type AxisState, correctAxis, predictAxis } from './kalman-filter.ts';

/**
 * Where a face is and how it moves: a constant-velocity Kalman filter over the box's centre in pixels, the logarithm of
 * its height and the logarithm of its aspect.
 */
export interface BoxMotion {
	readonly timestampMs: number;
	readonly x: AxisState;
	readonly y: AxisState;
	readonly scale: AxisState;
	readonly aspect: AxisState;
}

/** All lengths are in heights of the face, so that near and far faces move alike; time is in seconds. */

/** Standard deviation of a detector's box around the true one: centre, and logarithms of height and aspect. */
const CENTRE_NOISE = 0.06;
const SCALE_NOISE = 0.08;
const ASPECT_NOISE = 0.1;

/** Standard deviation of the velocity of a face that was seen once. Pans move faces at one to two heights a second. */
const FIRST_SPEED = 1.5;
const FIRST_SCALE_SPEED = 0.2;

/** Spectral density of acceleration, in heights² / s³: a head starts, stops and turns within a second. */
const ACCELERATION = 1;
const SCALE_ACCELERATION = 0.05;

/** Standard deviation of the predicted place, in heights of the face, at which the prediction counts half. */
const TRUSTED_SPREAD = 1.5;

/** The part of predictions that fail although they should not: sudden moves, boxes that jump. */
const SURPRISE = 0.02;

/** What the best prediction is worth. More would let two people at one place, before and after a cut, be one. */
const MOST_EVIDENCE = 8;

/** How many natural logarithms the heights and the aspects of faces range over. */
const SCALE_RANGE = 3;
const ASPECT_RANGE = 1;

export function startMotion(box: BoundingBox, timestampMs: number): BoxMotion {
	const { x, y, height, scale, aspect } = measure(box);
	const centre = (position: number) => firstState(position, CENTRE_NOISE * height, FIRST_SPEED * height);
	return {
		timestampMs,
		x: centre(x),
		y: centre(y),
		scale: firstState(scale, SCALE_NOISE, FIRST_SCALE_SPEED),
		aspect: firstState(aspect, ASPECT_NOISE, FIRST_SCALE_SPEED),
	};
}

/** Timestamps of damaged videos go back at times. Nothing moves then: going back would take from the variances, to below 0. */
export function predictMotion(motion: BoxMotion, timestampMs: number): BoxMotion {
	const seconds = Math.max(0, timestampMs - motion.timestampMs) / 1000;
	const height = Math.exp(motion.scale.position);
	const acceleration = ACCELERATION * height * height;
	return {
		timestampMs,
		x: predictAxis(motion.x, seconds, acceleration),
		y: predictAxis(motion.y, seconds, acceleration),
		scale: predictAxis(motion.scale, seconds, SCALE_ACCELERATION),
		aspect: predictAxis(motion.aspect, seconds, SCALE_ACCELERATION),
	};
}

/** @param predicted - the motion at the time of `box`. */
export function correctMotion(predicted: BoxMotion, box: BoundingBox): BoxMotion {
	const { x, y, height, scale, aspect } = measure(box);
	const centreVariance = (CENTRE_NOISE * height) ** 2;
	return {
		timestampMs: predicted.timestampMs,
		x: correctAxis(predicted.x, x, centreVariance),
		y: correctAxis(predicted.y, y, centreVariance),
		scale: correctAxis(predicted.scale, scale, SCALE_NOISE ** 2),
		aspect: correctAxis(predicted.aspect, aspect, ASPECT_NOISE ** 2),
	};
}

/**
 * How far the prediction can be relied on, 0..1: 1 while the place is known to a part of the face's height, 0 when the
 * face may be anywhere. It falls with the time since the face was seen, faster for one whose velocity is unknown.
 */
export function trustIn({ x, y, scale }: BoxMotion): number {
	const spread = TRUSTED_SPREAD * Math.exp(scale.position);
	return 1 / (1 + (x.positionVariance + y.positionVariance) / (2 * spread * spread));
}

/**
 * What the box's place and size say for its being the predicted face: the logarithm of how much likelier the face is to
 * be there than a face anywhere in the picture. Positive speaks for it, negative against it, and 0 is what a prediction
 * comes to that knows nothing.
 */
export function motionEvidence(predicted: BoxMotion, box: BoundingBox, picture: Size): number {
	const { x, y, height, scale, aspect } = measure(box);
	const centreVariance = (CENTRE_NOISE * height) ** 2;
	const logRatio =
		logDensity(predicted.x, x, centreVariance) +
		logDensity(predicted.y, y, centreVariance) +
		logDensity(predicted.scale, scale, SCALE_NOISE ** 2) +
		logDensity(predicted.aspect, aspect, ASPECT_NOISE ** 2) +
		Math.log(picture.width * picture.height * SCALE_RANGE * ASPECT_RANGE);
	const trust = trustIn(predicted) * (1 - SURPRISE);
	return Math.min(MOST_EVIDENCE, Math.log(trust * Math.exp(logRatio) + 1 - trust));
}

/** Sides below a pixel count as one: of a box without any, nothing could be divided by its size. */
function measure(box: BoundingBox) {
	const width = Math.max(box.width, 1);
	const height = Math.max(box.height, 1);
	return {
		x: box.x + box.width / 2,
		y: box.y + box.height / 2,
		height,
		scale: Math.log(height),
		aspect: Math.log(width / height),
	};
}

function firstState(position: number, noise: number, speed: number): AxisState {
	return {
		position,
		velocity: 0,
		positionVariance: noise * noise,
		covariance: 0,
		velocityVariance: speed * speed,
	};
}

/** Logarithm of the normal density of a measurement. */
function logDensity({ position, positionVariance }: AxisState, measured: number, variance: number): number {
	const total = positionVariance + variance;
	return -0.5 * ((measured - position) ** 2 / total + Math.log(2 * Math.PI * total));
}
