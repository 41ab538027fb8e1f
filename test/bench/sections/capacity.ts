import type { Section } from '../suite/bench.ts';
import type { Row } from '../suite/report.ts';
import { rounded } from '../suite/statistics.ts';

const HOUR = 3600;
/** How busy a Redis core may be before latencies grow. */
const REDIS_SHARE = 0.5;
/** How busy the one core of an API process may be. */
const API_SHARE = 0.7;
const FLEET = 1000;

/** Arithmetic on what the other sections have found; see docs/performance.md. */
export const capacitySection: Section = {
	name: 'capacity',
	title: 'Capacity, by arithmetic on the figures above',
	async run({ cores, figures, size }) {
		const rows: Row[] = [];
		const row = (what: string, value: number | undefined) => {
			if (value !== undefined && Number.isFinite(value)) rows.push({ what, value });
		};
		const {
			servicePhotosPerSecond: photos,
			serviceWithCropsPhotosPerSecond: crops,
			batchPhotosPerSecond,
		} = figures;
		const perCore = (speed: number | undefined) =>
			speed === undefined ? undefined : rounded((HOUR * speed) / cores);
		row('photos a core and hour', perCore(photos));
		row('photos a core and hour, crops on', perCore(crops));
		row('photos a core and hour, in a batch', perCore(batchPhotosPerSecond));
		const tenFrames = figures.video10FramesJobMs;
		if (tenFrames !== undefined)
			row(
				`minutes of video a core and hour, ten frames of ${size.videoMinutes} minutes`,
				rounded((HOUR * 1000 * size.videoMinutes) / (tenFrames * cores)),
			);
		const { redisCommandsPerJob, redisProcessorMsPerJob: redisMs } = figures;
		row(
			'Redis commands of 1,000 jobs',
			redisCommandsPerJob === undefined ? undefined : rounded(1000 * redisCommandsPerJob),
		);
		row(
			'Redis round trips of 1,000 jobs',
			figures.redisRoundTripsPerJob === undefined ? undefined : rounded(1000 * figures.redisRoundTripsPerJob),
		);
		row('seconds of Redis’s core for 1,000 jobs', redisMs);
		const { redisBytesPerWaitingJob: waiting, redisBytesPerFinishedJob: finished } = figures;
		row('MB of Redis for 1,000 waiting jobs', waiting === undefined ? undefined : rounded(waiting / 1000, 1));
		row('MB of Redis for 1,000 results', finished === undefined ? undefined : rounded(finished / 1000, 1));
		const { apiProcessorMsPerJob: apiMs } = figures;
		if (apiMs !== undefined)
			row('jobs a second of one API process, 70 % busy', rounded((1000 * API_SHARE) / apiMs));
		if (photos !== undefined && redisMs !== undefined) {
			const jobsOfRedis = (1000 * REDIS_SHARE) / redisMs;
			const jobsOfFleet = (photos / cores) * FLEET;
			row('photos a second that one Redis carries, half busy', rounded(jobsOfRedis));
			row('worker cores that one Redis feeds, half busy', rounded(jobsOfRedis / (photos / cores)));
			row(`photos a second of ${FLEET} worker cores`, rounded(jobsOfFleet));
			if (apiMs !== undefined)
				row(
					`API processes, 70 % busy, for ${FLEET} worker cores`,
					Math.ceil((jobsOfFleet * apiMs) / (1000 * API_SHARE)),
				);
			row(`Redis servers, half busy, for ${FLEET} worker cores`, Math.ceil(jobsOfFleet / jobsOfRedis));
		}
		const notes =
			rows.length === 0
				? ['Nothing to calculate with: run it with the sections service, video and batch.']
				: ['Cores are all those of the machine, and the client, the API and Redis have their part of them.'];
		return { rows, targets: [], figures: {}, notes };
	},
};
