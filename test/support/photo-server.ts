import sharp from 'sharp';
import { startHttpServer, type TestServer } from './http-server.ts';
import { samplePhoto } from './sample-photos.ts';

/**
 * A source of photos that are quick to look at: `/photo/…` has three faces, `/corrupt/…` is none, `/held/…` keeps its
 * callers waiting until it is opened, and everything else is not there.
 */
export class PhotoServer {
	readonly #held = new Set<() => void>();
	readonly #watchers = new Set<() => void>();
	readonly #requests = new Map<string, number>();
	#server: TestServer | undefined;
	#arrived = 0;
	#isOpen = false;

	static async start(): Promise<PhotoServer> {
		const photo = await sharp(await samplePhoto(1))
			.resize(320)
			.jpeg()
			.toBuffer();
		const photos = new PhotoServer();
		photos.#server = await startHttpServer(({ url = '' }, response) => {
			photos.#requests.set(url, (photos.#requests.get(url) ?? 0) + 1);
			const [, kind] = url.split('/');
			const answer = () => void response.end(photo);
			if (kind === 'photo' || (kind === 'held' && photos.#isOpen)) return answer();
			if (kind === 'corrupt') return void response.end(photo.subarray(0, 300));
			if (kind !== 'held') return void response.writeHead(404).end();
			photos.#held.add(answer);
			response.on('close', () => photos.#held.delete(answer));
			photos.#arrived += 1;
			for (const check of photos.#watchers) check();
		});
		return photos;
	}

	get url(): string {
		return this.#server?.url ?? '';
	}

	/** Requests for a path until now. */
	requests(path: string): number {
		return this.#requests.get(path) ?? 0;
	}

	/** Held requests whose client is still there. */
	get waiting(): number {
		return this.#held.size;
	}

	/** Resolves when so many requests have been held. */
	async arrived(count: number): Promise<void> {
		return new Promise((resolve) => {
			const check = () => {
				if (this.#arrived < count) return;
				this.#watchers.delete(check);
				resolve();
			};
			this.#watchers.add(check);
			check();
		});
	}

	/** Answers those that are held, and all to come. */
	open(): void {
		this.#isOpen = true;
		for (const answer of this.#held) answer();
	}

	async close(): Promise<void> {
		await this.#server?.close();
	}
}
