import { expect, test } from 'vitest';
import { type AxisState, correctAxis, predictAxis } from './kalman-filter.ts';

const start: AxisState = {
	position: 0,
	velocity: 0,
	positionVariance: 1,
	covariance: 0,
	velocityVariance: 100,
};

test('finds the velocity of an even movement', () => {
	let state = start;
	for (let step = 1; step <= 20; step++) {
		state = correctAxis(predictAxis(state, 0.5, 0.01), 3 * 0.5 * step, 1e-4);
	}
	expect(state.velocity).toBeCloseTo(3, 2);
	expect(predictAxis(state, 2, 0.01).position).toBeCloseTo(30 + 6, 1);
});

test('predictions lose certainty with time, however the time is cut', () => {
	const once = predictAxis(start, 2, 0.7);
	const twice = predictAxis(predictAxis(start, 0.5, 0.7), 1.5, 0.7);
	expect(twice.positionVariance).toBeCloseTo(once.positionVariance, 9);
	expect(twice.covariance).toBeCloseTo(once.covariance, 9);
	expect(twice.velocityVariance).toBeCloseTo(once.velocityVariance, 9);
	expect(once.positionVariance).toBeGreaterThan(start.positionVariance);
});

test('a measurement pulls the position by its certainty', () => {
	const { position, positionVariance } = correctAxis(start, 10, 3);
	expect(position).toBeCloseTo(10 * (1 / 4), 9);
	expect(positionVariance).toBeCloseTo(3 / 4, 9);
});
