import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createFaceAnalyzer, createFaceDetector, trackFaces } from '@facet/vision';
import { renderClip } from '../support/clip-renderer.ts';
import { TRACKING_CLIPS } from '../support/tracking-clips.ts';
import { observeVideo, readVideoTruth } from './tracked-video.ts';
import { scoreTracking, type TrackingScore } from './tracking-scoring.ts';

/**
 * Tracking of faces in videos with ground truth:
 * `npm run bench:tracking -- [DIR] [--num-frames 5,10,25,50,100] [--model NAME]`. Every `*.mp4` of DIR that has a
 * `.gt.json` is scored; without DIR, clips made of the sample photos.
 */

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		model: { type: 'string', default: process.env.DETECTOR_MODEL ?? 'ultraface' },
		'models-dir': { type: 'string', default: process.env.MODELS_DIR ?? 'models' },
		'num-frames': { type: 'string', default: '5,10,25,50,100' },
		/** Less visible faces are neither wanted nor wrong; 0 scores all that the ground truth lists. */
		'least-visible': { type: 'string', default: '0.5' },
	},
});
const numFrames = values['num-frames'].split(',').map(Number);
const leastVisible = Number(values['least-visible']);
const modelsDir = resolve(values['models-dir']);
const detector = await createFaceDetector({ modelsDir, model: values.model });
const analyzer = await createFaceAnalyzer(detector, modelsDir);
const [folder] = positionals;
try {
	if (folder !== undefined) await scoreFolder(resolve(folder));
	else await scoreClips();
} finally {
	await analyzer.close();
	await detector.close();
}

async function scoreClips(): Promise<void> {
	const scratch = await mkdtemp(join(tmpdir(), 'facet-tracking-'));
	try {
		for (const clip of TRACKING_CLIPS) await renderClip(clip, scratch);
		await scoreFolder(scratch);
	} finally {
		await rm(scratch, { recursive: true, force: true });
	}
}

async function scoreFolder(path: string): Promise<void> {
	const names = (await readdir(path))
		.filter((name) => name.endsWith('.mp4'))
		.map((name) => name.slice(0, -'.mp4'.length))
		.filter((name) => existsSync(join(path, `${name}.gt.json`)))
		.sort();
	if (names.length === 0) throw new Error(`Expected videos with a .gt.json in ${path}`);
	console.log(`${detector.name}; faces of which less than ${leastVisible} can be seen are ignored`);
	console.log(row('video', 'frames', 'IDF1', 'switches', 'persons', 'known', 'precision', 'recall'));
	for (const name of names) await scoreVideo(join(path, name), name);
}

async function scoreVideo(path: string, name: string): Promise<void> {
	const truth = await readVideoTruth(`${path}.gt.json`, leastVisible);
	const samples = await observeVideo(`${path}.mp4`, numFrames, detector, analyzer);
	for (const [count, frames] of samples) {
		const { frames: tracked, persons } = trackFaces(frames, { strongScore: detector.scoreThreshold });
		const score = scoreTracking(
			tracked.map(({ index, faces }) => ({
				truth: truth[index] ?? [],
				found: faces.map(({ trackId, box }) => ({ id: trackId, box })),
			})),
		);
		print(name, count, score, persons.length);
	}
}

function print(name: string, count: number, score: TrackingScore, persons: number): void {
	const { idf1, switches, precision, recall } = score;
	console.log(
		row(
			name,
			`${count}`,
			idf1.toFixed(3),
			`${switches}`,
			`${persons}`,
			`${score.persons}`,
			precision.toFixed(3),
			recall.toFixed(3),
		),
	);
}

function row(name: string, ...cells: string[]): string {
	return `${name.padEnd(16)}${cells.map((cell) => cell.padStart(10)).join('')}`;
}
