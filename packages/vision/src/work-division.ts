import type { RgbImage } from '@facet/contracts';

/** Does one part of the work on a picture; the same in every thread. */
export type PartWorker<Part, Result> = (image: RgbImage, part: Part) => Promise<Result>;

/** Does all parts of the work on a picture; results are in the order of the parts. */
export type DividedWork<Part, Result> = (image: RgbImage, parts: readonly Part[]) => Promise<Result[]>;

/** Divides the work on a picture between threads. */
export interface WorkDivision {
	/**
	 * @param name - of this work, among all of a thread; the same in every thread.
	 * @param work - parts and results survive structured cloning.
	 */
	divide<Part, Result>(name: string, work: PartWorker<Part, Result>): DividedWork<Part, Result>;
}

/** For a thread that has no neighbours: one part after the other. */
export const undivided: WorkDivision = {
	divide: (_name, work) => async (image, parts) => {
		const results = [];
		for (const part of parts) results.push(await work(image, part));
		return results;
	},
};
