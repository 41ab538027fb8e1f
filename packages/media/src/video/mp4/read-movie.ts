import { open } from 'node:fs/promises';
import { UnusualMovie } from './box.ts';
import { type MovieCodec, readPictureTraits } from './coded-pictures.ts';
import { FileWindow } from './file-window.ts';
import { readMovieBox } from './read-movie-box.ts';
import { type MovieTrack, readMovieTrack, type SampleTable } from './sample-table.ts';

/** The samples of a file, and what is in each of them. */
export interface MovieSamples extends SampleTable {
	/** A sum of `PictureTrait` for each sample. */
	readonly traits: Uint8Array;
}

/** The one video track of an MP4 or MOV. */
export interface Movie extends MovieTrack {
	readonly codec: MovieCodec;
	readonly samples: MovieSamples;
}

/**
 * Reads the tables of an MP4 or MOV without ffprobe, which takes ten times as long for them.
 *
 * @returns undefined for a file that is damaged or of an unusual shape, and is left to ffprobe.
 * @throws the signal's reason; an error of the file system.
 */
export async function readMovie(path: string, signal: AbortSignal): Promise<Movie | undefined> {
	const file = await open(path);
	try {
		const { size } = await file.stat();
		const track = readMovieTrack(await readMovieBox(file, size), size);
		return {
			...track,
			...(await withTraits(new FileWindow(file), track.samples, signal)),
		};
	} catch (error) {
		if (error instanceof UnusualMovie || error instanceof RangeError) return undefined;
		throw error;
	} finally {
		await file.close();
	}
}

async function withTraits(
	window: FileWindow,
	samples: SampleTable,
	signal: AbortSignal,
): Promise<Pick<Movie, 'codec' | 'samples'>> {
	const { codec, traits } = await readPictureTraits(window, samples, signal);
	return { codec, samples: { ...samples, traits } };
}
