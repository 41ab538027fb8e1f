/** Jobs of the storm in test/chaos, and the seed of its faults; `npm run test:chaos -- --jobs N --seed S` sets them. */
export const CHAOS_SIZE = {
	jobs: Number(process.env.CHAOS_JOBS ?? 100),
	seed: Number(process.env.CHAOS_SEED ?? 1),
};
