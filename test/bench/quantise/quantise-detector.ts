import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createFaceDetector, findModel, isModelPath } from '@facet/vision';
import { detectPhoto } from '../run-detector.ts';
import { CalibratingRuntime } from './calibrating-runtime.ts';
import { changeNetwork, readNetwork } from './network-file.ts';
import { findConvolutions, quantiseConvolutions, tensorsOf } from './quantise-convolutions.ts';

/** The first with operators on 8-bit numbers. */
const LEAST_OPERATOR_SET = 10;

export interface QuantisationOptions {
	/** Directory of `MODELS.json`. */
	readonly modelsDir: string;
	/** Name of a detection network in `MODELS.json`, or the path of an `.onnx` file. */
	readonly model: string;
	/** Paths of photos to calibrate on; those that accuracy is then measured on should be others. */
	readonly photos: readonly string[];
}

export interface QuantisedDetector {
	/** The ONNX file. */
	readonly model: Buffer;
	/** How many convolutions compute in 8 bits. */
	readonly convolutions: number;
}

/**
 * A version of a detection network that computes in 8 bits. The photos are looked at as a worker does, so that the ranges
 * of the tensors are those of the pictures that the network is given, close-ups and turned ones included. The same photos
 * give the same file.
 *
 * @throws Error when the network is of an operator set that has no 8-bit operators, or has no convolution to quantise.
 */
export async function quantiseDetector(options: QuantisationOptions): Promise<QuantisedDetector> {
	const { modelsDir } = options;
	const isPath = isModelPath(options.model);
	const path = isPath ? resolve(options.model) : (await findModel(modelsDir, options.model)).path;
	const file = await readFile(path);
	const network = readNetwork(file);
	if (network.operatorSet < LEAST_OPERATOR_SET) {
		throw new Error(
			`Expected a network of operator set ${LEAST_OPERATOR_SET} or later but ${path} is of ${network.operatorSet}`,
		);
	}
	const convolutions = findConvolutions(network);
	if (convolutions.length === 0) throw new Error(`Expected convolutions to quantise in ${path}`);
	const tensors = tensorsOf(convolutions);

	const directory = await mkdtemp(join(tmpdir(), 'facet-quantise-'));
	try {
		const exposedPath = join(directory, 'exposed.onnx');
		await writeFile(exposedPath, changeNetwork(file, { outputs: tensors }));
		const runtime = new CalibratingRuntime(path, exposedPath, tensors);
		const detector = await createFaceDetector({ modelsDir, model: options.model, runtime });
		try {
			for (const photo of options.photos) await detectPhoto(detector, photo);
		} finally {
			await detector.close();
		}
		const model = quantiseConvolutions(file, network, convolutions, runtime.ranges);
		return { model, convolutions: convolutions.length };
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
}
