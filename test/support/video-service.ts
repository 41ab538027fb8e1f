import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type DetectResult, jobOutcomeSchema, type VideoReport, type WireFrame } from '@facet/contracts';
import { connectConsumer, ResultStore } from '@facet/queue';
import { renderClip } from './clip-renderer.ts';
import { type Answer, Facet } from './facet.ts';
import { startHttpServer, type TestServer } from './http-server.ts';

const execute = promisify(execFile);

/** A Facet that takes a minute of video, a host of files, and a clip of three people. */
export class VideoService {
	readonly #redisUrl: string;
	readonly #files: TestServer;
	readonly #served: Map<string, Buffer>;
	readonly facet: Facet;
	/** For files that a test makes. */
	readonly folder: string;
	/** Path of a clip: three people, who move evenly through the picture for four seconds, in a hundred frames. */
	readonly clip: string;

	private constructor(
		redisUrl: string,
		parts: { facet: Facet; files: TestServer; served: Map<string, Buffer>; folder: string; clip: string },
	) {
		this.#redisUrl = redisUrl;
		this.#files = parts.files;
		this.#served = parts.served;
		this.facet = parts.facet;
		this.folder = parts.folder;
		this.clip = parts.clip;
	}

	static async start(redisUrl: string): Promise<VideoService> {
		const folder = await mkdtemp(join(tmpdir(), 'facet-videos-'));
		const from = { x: 0, y: 40 };
		const shot = { photo: 'sample1' as const, width: 1100, frames: 100, from, to: { x: 100, y: 40 } };
		const clip = await renderClip({ name: 'three', fps: 25, scene: { shots: [shot] } }, folder);
		const served = new Map<string, Buffer>();
		const files = await startHttpServer((request, response) => {
			const bytes = served.get(request.url ?? '');
			response.writeHead(bytes ? 200 : 404).end(bytes);
		});
		const facet = await Facet.start(redisUrl, {
			INFERENCE_THREADS: '2',
			MAX_VIDEO_SECONDS: '60',
			SYNC_TIMEOUT_MS: '170000',
		});
		return new VideoService(redisUrl, { facet, files, served, folder, clip });
	}

	/** Serves bytes or a file, and returns the URL. */
	async serve(name: string, source: string | Buffer): Promise<string> {
		this.#served.set(`/${name}`, typeof source === 'string' ? await readFile(source) : source);
		return `${this.#files.url}/${name}`;
	}

	/** Runs ffmpeg over the clip; returns the path of what it wrote. */
	async convert(name: string, options: string[]): Promise<string> {
		const path = join(this.folder, name);
		await execute('ffmpeg', ['-v', 'error', '-y', '-i', this.clip, ...options, path]);
		return path;
	}

	/** What is stored of the job behind an answer. */
	async storedResult({ headers }: Answer): Promise<DetectResult> {
		const redis = connectConsumer(this.#redisUrl, { debug() {}, info() {}, warn() {}, error() {} });
		const outcome = await new ResultStore(redis, { prefix: this.facet.prefix, ttlSeconds: 60 }).get(
			headers.get('x-job-id') ?? '',
		);
		redis.disconnect();
		const parsed = jobOutcomeSchema.parse(outcome);
		if (parsed.status !== 'succeeded') throw new Error(`the job failed: ${parsed.error.code}`);
		return parsed.result;
	}

	async storedReport(answer: Answer): Promise<VideoReport> {
		const { media } = await this.storedResult(answer);
		if (media.kind !== 'video') throw new Error('not the report of a video');
		return media;
	}

	async stop(): Promise<void> {
		await this.facet.stop();
		await this.#files.close();
		await rm(this.folder, { recursive: true, force: true });
	}
}

/** The frames of an answer, in their order. */
export function framesOf({ body }: Answer): WireFrame[] {
	return Object.values(body.faces_obj);
}
