import { createReadStream } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHttpServer } from '../../support/http-server.ts';
import type { Section } from '../suite/bench.ts';
import { ffmpegAlone, longVideo, open } from '../suite/long-video.ts';
import type { Row, Target } from '../suite/report.ts';
import { median, rounded } from '../suite/statistics.ts';

/** What the default detector takes. */
const MAX_SIDE = 640;
const LIMITS: Readonly<Record<number, number>> = { 10: 1.15, 100: 1.3 };

/** Frames of a long video, against ffmpeg alone taking the same frames, in turn. */
export const videoSection: Section = {
	name: 'video',
	title: 'Video, against ffmpeg alone',
	async run(bench) {
		const path = await longVideo(join(tmpdir(), 'facet-bench'), bench.size.videoMinutes);
		const video = await open(path);
		const files = await startHttpServer((_request, response) => createReadStream(path).pipe(response));
		const rows: Row[] = [];
		const targets: Target[] = [];
		const figures: Record<string, number> = {};
		try {
			const service = await bench.service();
			let requests = 0;
			const jobMs = async (numFrames: number) => {
				requests += 1;
				const startedAt = performance.now();
				const id = await service.client.detect(`${files.url}/${requests}.mp4`, numFrames);
				const tookMs = performance.now() - startedAt;
				const { metrics } = await service.client.ended(id);
				return tookMs - (metrics?.download ?? Number.NaN);
			};
			await jobMs(bench.size.videos[0]?.frames ?? 1);
			for (const { frames, rounds } of bench.size.videos) {
				const alone: number[] = [];
				const jobs: number[] = [];
				for (let round = 0; round < rounds; round += 1) {
					const startedAt = performance.now();
					await ffmpegAlone(path, video, { numFrames: frames, maxSide: MAX_SIDE });
					alone.push(performance.now() - startedAt);
					jobs.push(await jobMs(frames));
				}
				const ratio = rounded(median(jobs.map((ms, round) => ms / (alone[round] ?? Number.NaN))), 2);
				const { strategy } = video.plan(video.sample(frames));
				rows.push({
					frames,
					'ffmpeg alone, ms': rounded(median(alone)),
					'whole job, ms': rounded(median(jobs)),
					ratio,
					'frames read by': strategy,
					rounds,
				});
				const most = LIMITS[frames];
				if (most !== undefined)
					targets.push({ figure: `${frames} frames, of ffmpeg alone`, value: ratio, most });
				figures[`video${frames}FramesJobMs`] = rounded(median(jobs));
				figures.videoJobMsPerFrame = rounded(median(jobs) / frames, 1);
			}
		} finally {
			await bench.closeServices();
			await files.close();
		}
		const { codec, width, height, frames: total } = video.facts;
		return {
			rows,
			targets,
			figures,
			notes: [
				`${codec}, ${width} x ${height}, ${total} frames, ${bench.size.videoMinutes} minutes. ffmpeg alone: the cheaper of one decode from the start and of seeks side by side, one thread each, told the frames and their times. The whole job: header, exact index, frames, faces, landmarks, embeddings, tracks, through HTTP and queue; without the download. Medians of the rounds’ ratios.`,
			],
		};
	},
};
