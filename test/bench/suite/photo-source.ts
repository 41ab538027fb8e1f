import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { startHttpServer, type TestServer } from '../../support/http-server.ts';
import { SAMPLE_PHOTOS } from '../../support/sample-photos.ts';

/** The sample photos as files and by HTTP: the same bytes for the bound, the service and the peers. */
export class PhotoSource {
	readonly #server: TestServer;
	readonly #directory: string;
	#served = 0;

	private constructor(server: TestServer, directory: string) {
		this.#server = server;
		this.#directory = directory;
	}

	static async start(): Promise<PhotoSource> {
		const directory = await mkdtemp(join(tmpdir(), 'facet-bench-photos-'));
		const large = await enlarged(SAMPLE_PHOTOS[0]?.path ?? '');
		await writeFile(join(directory, 'large.jpg'), large);
		const photos = await Promise.all(SAMPLE_PHOTOS.map(({ path }) => readFile(path)));
		const server = await startHttpServer(({ url = '' }, response) => {
			const [, kind] = url.split('/');
			response.end(kind === 'large' ? large : photos[Number(kind)]);
		});
		return new PhotoSource(server, directory);
	}

	/** Files of so many photos, the six samples in turn. */
	paths(count: number): string[] {
		return Array.from(
			{ length: count },
			(_, index) => SAMPLE_PHOTOS[index % SAMPLE_PHOTOS.length]?.path ?? '',
		);
	}

	/** A URL of the photo of this number, as in `paths`, that no other call returns: no request is identical to another. */
	url(index: number): string {
		this.#served += 1;
		return `${this.#server.url}/${index % SAMPLE_PHOTOS.length}/${this.#served}.jpg`;
	}

	/** A URL of a photo of 24 megapixels. */
	largeUrl(): string {
		this.#served += 1;
		return `${this.#server.url}/large/${this.#served}.jpg`;
	}

	/** For files that belong to the photos. */
	get directory(): string {
		return this.#directory;
	}

	async close(): Promise<void> {
		await this.#server.close();
		await rm(this.#directory, { recursive: true, force: true });
	}
}

/** 6000 x 4000 pixels. */
async function enlarged(path: string): Promise<Buffer> {
	return sharp(path).resize(6000, 4000, { fit: 'cover' }).jpeg({ quality: 90 }).toBuffer();
}
