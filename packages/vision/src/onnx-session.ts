import { readFile } from 'node:fs/promises';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { flushDenormalWeights } from './denormal-weights.ts';

/** A loaded network with one input and any number of float outputs. */
export interface OnnxSession {
	/**
	 * Runs the network once. Blocks the calling thread for as long as it takes: `session.run` of onnxruntime-node
	 * is synchronous behind its promise.
	 *
	 * @param input - the input tensor's values in row-major order; `shape` must match the network's.
	 * @returns the outputs, by name.
	 */
	run(input: Float32Array, shape: readonly number[]): Promise<ReadonlyMap<string, Float32Array>>;
	/** Frees the network's native memory. Call it when no run is under way. */
	close(): Promise<void>;
}

/**
 * Loads a network. This is the only file that touches onnxruntime.
 *
 * One thread a session: parallelism comes from one session a core, which gives the most images a second. A second
 * intra-op thread buys 0-30 % on networks this small.
 */
export async function openSession(path: string): Promise<OnnxSession> {
	const model = await readFile(path);
	// By its path unless it was changed, so that weights in files of their own are found beside it.
	const source = flushDenormalWeights(model) > 0 ? model : path;
	const session = await createSession(source, { intraOpNumThreads: 1, interOpNumThreads: 1 });
	const [inputName] = session.inputNames;
	if (inputName === undefined) throw new Error(`Expected ${path} to have an input but it has none`);
	return {
		async run(input, shape) {
			const outputs = await session.run({ [inputName]: new Tensor('float32', input, shape) });
			return new Map(Object.entries(outputs).map(([name, tensor]) => [name, floatData(name, tensor)]));
		},
		close: () => session.release(),
	};
}

/** One call for the two overloads of `InferenceSession.create`. */
function createSession(
	source: Buffer | string,
	options: InferenceSession.SessionOptions,
): Promise<InferenceSession> {
	return typeof source === 'string'
		? InferenceSession.create(source, options)
		: InferenceSession.create(source, options);
}

/** The named output of a run. */
export function outputOf(outputs: ReadonlyMap<string, Float32Array>, name: string): Float32Array {
	const output = outputs.get(name);
	if (output === undefined) {
		throw new Error(`Expected an output named ${name} but the network has ${[...outputs.keys()].join(', ')}`);
	}
	return output;
}

function floatData(name: string, tensor: Tensor): Float32Array {
	if (tensor.data instanceof Float32Array) return tensor.data;
	throw new Error(`Expected output ${name} to be float32 but received ${tensor.type}`);
}
