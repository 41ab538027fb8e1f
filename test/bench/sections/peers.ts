import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeForDetection } from '@facet/media/pictures';
import type { Bench, Section } from '../suite/bench.ts';
import { type Peer, type RawPhoto, startPeers } from '../suite/peer.ts';
import { median, rounded } from '../suite/statistics.ts';

const DECODING = { maxSide: 640, maxPixels: 100_000_000, timeoutMs: 60_000 };

/** Rounds before anything is measured: V8 compiles what was called often enough. */
const WARM_UPS = 3;
/** Times that Facet and the decoder see all photos in a round, so that they have about as long to get warm as the peers. */
const REPEATS = 10;

/** Other detectors on the same photos, one core each, in turn. */
export const peersSection: Section = {
	name: 'peers',
	title: 'Peers on one core',
	async run(bench) {
		const bound = await bench.bound();
		const { peers, missing } = await startPeers({
			modelsDir: bench.modelsDir,
			mayInstall: bench.size.name === 'full',
		});
		const count = bench.size.peerPhotos;
		const ownMs: number[] = [];
		const peerMs = peers.map((): number[] => []);
		const faces = peers.map(() => 0);
		try {
			const raw = await rawPhotos(bench, count);
			for (let round = -WARM_UPS; round < bench.size.rounds; round += 1) {
				const paths = bench.photos.paths(REPEATS * count);
				const speed = await bound.run(paths, { threads: 1, inFlight: 1 });
				const decodingMs = (await decodeAll(paths)) / REPEATS;
				if (round >= 0) ownMs.push(1000 / speed);
				for (const [index, peer] of peers.entries()) {
					const looks = await lookAtAll(peer, raw);
					if (round >= 0) peerMs[index]?.push((decodingMs + looks.ms) / count);
					faces[index] = looks.faces;
				}
			}
		} finally {
			for (const peer of peers) await peer.stop();
		}
		const timesOf = (index: number) =>
			rounded(median((peerMs[index] ?? []).map((ms, round) => ms / (ownMs[round] ?? Number.NaN))), 1);
		const targets = peers.flatMap((peer, index) =>
			peer.name === '@vladmandic/face-api'
				? [{ figure: 'photos for each one of face-api, on one core', value: timesOf(index), least: 12 }]
				: [],
		);
		return {
			rows: [
				{
					detector: 'Facet, ultraface',
					version: '',
					'ms a photo': rounded(median(ownMs), 1),
					'photos of Facet for each one': 1,
					faces: '',
				},
				...peers.map(({ name, version }, index) => ({
					detector: name,
					version,
					'ms a photo': rounded(median(peerMs[index] ?? []), 1),
					'photos of Facet for each one': timesOf(index),
					faces: faces[index] ?? 0,
				})),
			],
			targets,
			figures: Object.fromEntries(peers.map((peer, index) => [`timesOf ${peer.name}`, timesOf(index)])),
			notes: [
				`${count} sample photos, one after the other, boxes and landmarks; medians of ${bench.size.rounds} rounds and of their ratios, after ${WARM_UPS} that do not count; in each, Facet sees them ${REPEATS} times, to be at work about as long as the slower ones. All look at ${DECODING.maxSide} pixels; the JPEG is decoded by Facet’s decoder, whose time counts for each.`,
				...missing,
			],
		};
	},
};

async function lookAtAll(peer: Peer, photos: readonly RawPhoto[]): Promise<{ ms: number; faces: number }> {
	let [ms, faces] = [0, 0];
	for (const photo of photos) {
		const look = await peer.look(photo);
		ms += look.ms;
		faces += look.faces;
	}
	return { ms, faces };
}

/** Decodes the photos as Facet does, one after the other. @returns milliseconds. */
async function decodeAll(paths: readonly string[]): Promise<number> {
	const startedAt = performance.now();
	for (const path of paths) await decodeForDetection(path, DECODING);
	return performance.now() - startedAt;
}

/** The photos as files of pixels. */
async function rawPhotos(bench: Bench, count: number): Promise<RawPhoto[]> {
	const raw: RawPhoto[] = [];
	for (const [index, path] of bench.photos.paths(count).entries()) {
		const { width, height, data } = (await decodeForDetection(path, DECODING)).image;
		const file = join(bench.photos.directory, `${index}.rgb`);
		await writeFile(file, data);
		raw.push({ path: file, width, height });
	}
	return raw;
}
