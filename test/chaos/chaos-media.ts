import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { Clips } from '../support/clips.ts';
import { fullDecodePixels } from '../support/decoded-video.ts';
import { startHttpServer, type TestServer } from '../support/http-server.ts';
import { SAMPLE_PHOTOS } from '../support/sample-photos.ts';

/** A picture as a job sees it, upright, in RGB. */
interface Picture {
	readonly width: number;
	readonly height: number;
	readonly pixels: Buffer;
}

export type MediaKind = 'photo' | 'video' | 'corrupt' | 'missing';

/** Wide enough for the faces of a group photo, and quick to look at. */
const PHOTO_WIDTH = 480;
const VIDEO = { width: 320, height: 180 };

/**
 * A host of photos and a video whose pixels are known: `/photo/<n>…` (n from 0 to 5), `/video/…`, `/corrupt/…`; nothing
 * else is there. What has `held` in its query waits until the host is opened.
 */
export class ChaosMedia {
	readonly #directory: string;
	readonly #photos: readonly { readonly jpeg: Buffer; readonly picture: Picture }[];
	readonly #video: Buffer;
	readonly #frames: readonly Buffer[];
	/** What answers the requests that wait, by their URLs. */
	readonly #held = new Map<() => void, string>();
	readonly #watchers = new Set<() => void>();
	readonly #requests: string[] = [];
	#server: TestServer | undefined;
	/** What is in the URLs that are held no more. */
	readonly #open = new Set<string>();

	private constructor(
		directory: string,
		photos: readonly { readonly jpeg: Buffer; readonly picture: Picture }[],
		video: Buffer,
		frames: readonly Buffer[],
	) {
		this.#directory = directory;
		this.#photos = photos;
		this.#video = video;
		this.#frames = frames;
	}

	static async start(): Promise<ChaosMedia> {
		const directory = await mkdtemp(join(tmpdir(), 'facet-chaos-media-'));
		const photos = await Promise.all(SAMPLE_PHOTOS.map(({ path }) => shrunk(path)));
		const clip = await new Clips(directory).get('mp4-h264');
		const frames = await fullDecodePixels(clip, VIDEO);
		const media = new ChaosMedia(directory, photos, await readFile(clip), frames);
		media.#server = await startHttpServer((request, response) => media.#answer(request, response));
		return media;
	}

	url(kind: MediaKind, index: number, query = ''): string {
		return `${this.#server?.url}/${kind}/${index}${query && `?${query}`}`;
	}

	/** The picture behind a frame of what the URL names, by the frame's key in `faces_obj`. */
	picture(url: string, frameKey: string): Picture {
		const [, kind, index] = new URL(url).pathname.split('/');
		const pixels = this.#frames[Number(frameKey)];
		const picture =
			kind === 'video' && pixels
				? { ...VIDEO, pixels }
				: this.#photos[Number(index) % this.#photos.length]?.picture;
		if (picture === undefined) throw new Error(`Expected a frame of ${url} but received ${frameKey}`);
		return picture;
	}

	/** Resolves when so many requests have come whose URL has this in it. */
	async requested(part: string, count: number): Promise<void> {
		return new Promise((resolve) => {
			const check = () => {
				if (this.#requests.filter((url) => url.includes(part)).length < count) return;
				this.#watchers.delete(check);
				resolve();
			};
			this.#watchers.add(check);
			check();
		});
	}

	/** Answers what is held, or those of it whose URL has this in it; and from now on everyone who would be held with these. */
	open(part = 'held'): void {
		this.#open.add(part);
		for (const [answer, url] of this.#held) {
			if (!url.includes(part)) continue;
			this.#held.delete(answer);
			answer();
		}
	}

	/** Holds again what is asked for with `held`, and forgets the requests that have come. */
	shut(): void {
		this.#open.clear();
		this.#requests.length = 0;
	}

	async stop(): Promise<void> {
		await this.#server?.close();
		await rm(this.#directory, { recursive: true, force: true });
	}

	#answer({ url = '' }: IncomingMessage, response: ServerResponse): void {
		this.#requests.push(url);
		const answer = () => this.#send(url, response);
		if (!url.includes('held') || [...this.#open].some((part) => url.includes(part))) {
			answer();
		} else {
			this.#held.set(answer, url);
			void once(response, 'close').then(() => this.#held.delete(answer));
		}
		for (const check of this.#watchers) check();
	}

	#send(url: string, response: ServerResponse): void {
		const [, kind, index = ''] = url.split(/[/?]/);
		const photo = this.#photos[Number.parseInt(index, 10) % this.#photos.length];
		if (kind === 'photo' && photo) response.end(photo.jpeg);
		else if (kind === 'corrupt' && photo) response.end(photo.jpeg.subarray(0, 300));
		else if (kind === 'video') response.end(this.#video);
		else response.writeHead(404).end();
	}
}

async function shrunk(path: string): Promise<{ jpeg: Buffer; picture: Picture }> {
	const jpeg = await sharp(path).resize(PHOTO_WIDTH).jpeg().toBuffer();
	const { data, info } = await sharp(jpeg).removeAlpha().raw().toBuffer({ resolveWithObject: true });
	return { jpeg, picture: { width: info.width, height: info.height, pixels: data } };
}
