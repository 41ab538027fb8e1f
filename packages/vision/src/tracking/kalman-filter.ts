/**
 * One coordinate that moves at a nearly constant velocity: its mean and covariance. Units are the coordinate's, and
 * that a second.
 *
 * Position, scale and aspect of a box do not influence one another in the constant-velocity model, so its 8 x 8
 * covariance (as in Wojke et al., "Simple Online and Realtime Tracking with a Deep Association Metric", ICIP 2017) is
 * four blocks of 2 x 2, and each is filtered on its own with the same result.
 */
export interface AxisState {
	readonly position: number;
	readonly velocity: number;
	readonly positionVariance: number;
	readonly covariance: number;
	readonly velocityVariance: number;
}

/** The state after `seconds`; `acceleration` is the spectral density of the white noise that drives the velocity. */
export function predictAxis(state: AxisState, seconds: number, acceleration: number): AxisState {
	const { position, velocity, positionVariance, covariance, velocityVariance } = state;
	return {
		position: position + velocity * seconds,
		velocity,
		positionVariance:
			positionVariance +
			2 * seconds * covariance +
			seconds * seconds * velocityVariance +
			(acceleration * seconds ** 3) / 3,
		covariance: covariance + seconds * velocityVariance + (acceleration * seconds * seconds) / 2,
		velocityVariance: velocityVariance + acceleration * seconds,
	};
}

/** The state after a measurement of the position. */
export function correctAxis(state: AxisState, measured: number, measurementVariance: number): AxisState {
	const { position, velocity, positionVariance, covariance, velocityVariance } = state;
	const innovationVariance = positionVariance + measurementVariance;
	const positionGain = positionVariance / innovationVariance;
	const velocityGain = covariance / innovationVariance;
	const innovation = measured - position;
	return {
		position: position + positionGain * innovation,
		velocity: velocity + velocityGain * innovation,
		positionVariance: (1 - positionGain) * positionVariance,
		covariance: (1 - positionGain) * covariance,
		velocityVariance: velocityVariance - velocityGain * covariance,
	};
}
