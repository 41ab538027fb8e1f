/**
 * When each request is meant to start, in milliseconds from the beginning. The times are fixed before the first request:
 * a service that slows down does not slow the arrivals down, as it would with clients that wait for their answers.
 *
 * @param {{ rate: number, durationSeconds: number, arrivals: 'poisson' | 'constant', seed: number }} options
 * @returns {number[]}
 */
export function arrivalTimes({ rate, durationSeconds, arrivals, seed }) {
	const endMs = 1000 * durationSeconds;
	const meanMs = 1000 / rate;
	const random = randomNumbers(seed);
	// Independent clients: the pauses between them are exponential.
	const pauseMs = () => (arrivals === 'constant' ? meanMs : -meanMs * Math.log(1 - random()));
	const times = [];
	for (let atMs = arrivals === 'constant' ? 0 : pauseMs(); atMs < endMs; atMs += pauseMs()) times.push(atMs);
	return times;
}

/**
 * The same numbers for the same seed, from 0 to below 1: a linear congruential generator modulo 2^48 with the constants
 * of POSIX drand48.
 *
 * @param {number} seed
 */
function randomNumbers(seed) {
	const modulus = 1n << 48n;
	let state = ((BigInt(Math.trunc(seed)) << 16n) | 0x330en) % modulus;
	return () => {
		state = (state * 0x5deece66dn + 0xbn) % modulus;
		return Number(state) / Number(modulus);
	};
}
