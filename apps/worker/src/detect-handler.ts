import { AppError, type DetectJob, type DetectResult } from '@facet/contracts';
import { sniffMedia } from '@facet/media';
import { loggableUrl, type PinoLogger, type WorkerMetrics } from '@facet/observability';
import type { DetectHandlerFunction, JobContext } from '@facet/queue';
import type { PhotoPipeline } from './photo-pipeline.ts';
import type { JobFiles, Scratch } from './scratch.ts';
import type { SourceFetcher } from './source-fetcher.ts';
import { StageClock } from './stage-clock.ts';
import type { VideoPipeline } from './video-pipeline.ts';

export interface DetectHandlerOptions {
	readonly scratch: Scratch;
	readonly fetcher: SourceFetcher;
	readonly photos: PhotoPipeline;
	readonly videos: VideoPipeline;
	readonly metrics: WorkerMetrics;
	readonly logger: PinoLogger;
}

/** The handler of `detect` jobs: fetch, tell the type, hand over to its pipeline; log and measure what came of it. */
export function createDetectHandler(options: DetectHandlerOptions): DetectHandlerFunction {
	const { scratch, metrics } = options;
	return async (job, context) => {
		const logger = options.logger.child({
			jobId: context.jobId,
			requestId: job.requestId,
			attempt: context.attempt,
			source: job.source.kind === 'url' ? loggableUrl(job.source.url) : 'inline',
		});
		try {
			const result = await scratch.use((files) => detect(options, job, context, files));
			// When the result is on its way: whoever waits for it does not wait for a line of the log.
			setImmediate(report, result, context, metrics, logger);
			return result;
		} catch (thrown) {
			const error = AppError.from(thrown);
			metrics.jobs.inc({ outcome: error.code });
			logger.warn({ err: error, code: error.code, retryable: error.retryable }, 'job failed');
			throw error;
		}
	};
}

async function detect(
	{ fetcher, photos, videos }: DetectHandlerOptions,
	{ source, options, include }: DetectJob,
	{ jobId, signal, isUrgent, progress }: JobContext,
	files: JobFiles,
): Promise<DetectResult> {
	const clock = new StageClock();
	const path = files.path('source');
	const { bytes, head } = await clock.time('fetch', () => fetcher.fetch(source, path, signal));
	const type = await sniffMedia(path, head);
	const landmarks68 = include?.includes('landmarks_68') ?? false;
	const job = { jobId, path, bytes, options, landmarks68, clock, signal, isUrgent };
	return type.kind === 'image'
		? photos.run({ ...job, files, format: type.format })
		: videos.run({ ...job, type, progress });
}

function report(result: DetectResult, context: JobContext, metrics: WorkerMetrics, logger: PinoLogger): void {
	const { media, frames, timings } = result;
	const faces = frames.reduce((sum, frame) => sum + frame.faces.length, 0);
	metrics.jobs.inc({ outcome: 'succeeded' });
	metrics.faces.inc(faces);
	for (const [stage, ms] of Object.entries({ queue: context.queuedMs, ...timings })) {
		metrics.stageSeconds.observe({ stage }, ms / 1000);
	}
	logger.info({ media, faces, queuedMs: context.queuedMs, timings }, 'job done');
}
