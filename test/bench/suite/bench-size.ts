/** How much is measured. */
export interface BenchSize {
	readonly name: 'full' | 'quick';
	/** Rounds of what is compared, in turn; figures are their medians. */
	readonly rounds: number;
	/** Photos before anything is measured: a service runs for weeks, and V8 goes on compiling its code for some 2,000 jobs. */
	readonly warmUp: number;
	/** Photos of a round; a multiple of the six samples. */
	readonly photos: number;
	/** Requests of a round by each number of clients. */
	readonly syncRequests: number;
	readonly videoMinutes: number;
	/** Frames taken from the video, and the rounds for each. */
	readonly videos: readonly { readonly frames: number; readonly rounds: number }[];
	readonly batchItems: number;
	/** Jobs of a round without a network. */
	readonly queueJobs: number;
	readonly peerPhotos: number;
	/** Photos of 24 megapixels. */
	readonly largePhotos: number;
}

/** About a quarter of an hour on two quiet cores. */
export const FULL: BenchSize = {
	name: 'full',
	rounds: 5,
	warmUp: 1920,
	photos: 480,
	syncRequests: 100,
	videoMinutes: 10,
	videos: [
		{ frames: 5, rounds: 5 },
		{ frames: 10, rounds: 5 },
		// One round of these takes half a minute.
		{ frames: 50, rounds: 3 },
		{ frames: 100, rounds: 3 },
	],
	batchItems: 5000,
	queueJobs: 3000,
	peerPhotos: 6,
	largePhotos: 48,
};

/** Whether everything runs; the figures mean nothing. */
export const QUICK: BenchSize = {
	name: 'quick',
	rounds: 1,
	warmUp: 24,
	photos: 6,
	syncRequests: 2,
	videoMinutes: 0.1,
	videos: [{ frames: 3, rounds: 1 }],
	batchItems: 12,
	queueJobs: 100,
	peerPhotos: 1,
	largePhotos: 1,
};
