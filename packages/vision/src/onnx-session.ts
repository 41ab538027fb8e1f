import { readFile } from 'node:fs/promises';
import { InferenceSession, listSupportedBackends, Tensor } from 'onnxruntime-node';
import { flushDenormalWeights } from './denormal-weights.ts';
import { CPU, chooseProviders } from './execution-providers.ts';

/** What a network says of an input or an output of its own. */
export interface TensorDescription {
	readonly name: string;
	/** Extents from the outermost dimension to the innermost; undefined where the network leaves one open. */
	readonly shape: readonly (number | undefined)[];
}

/** The inputs and outputs of a network, in the order that the file lists them. */
export interface NetworkDescription {
	readonly inputs: readonly TensorDescription[];
	readonly outputs: readonly TensorDescription[];
}

/** An output of one run. */
export interface OutputTensor {
	/** Values in row-major order; may be a view of the network's own memory. */
	readonly data: Float32Array;
	readonly shape: readonly number[];
}

/** A loaded network with one input that is fed and any number of float outputs. */
export interface OnnxSession extends NetworkDescription {
	/**
	 * Runs the network once. Blocks the calling thread for as long as it takes: `session.run` of onnxruntime-node
	 * is synchronous behind its promise.
	 *
	 * @param input - the input tensor's values in row-major order; `shape` must match the network's.
	 * @returns the outputs, by name, in the order that the file lists them.
	 */
	run(input: Float32Array, shape: readonly number[]): Promise<ReadonlyMap<string, OutputTensor>>;
	/** Frees the network's native memory. Call it when no run is under way. */
	close(): Promise<void>;
}

/**
 * Loads networks on the execution providers that were asked for, as far as they can be had. This is the only file that
 * touches onnxruntime.
 *
 * One thread a session: parallelism comes from one session a core, which gives the most images a second. A second
 * intra-op thread buys 0-30 % on networks this small.
 */
export class OnnxRuntime {
	#providers: readonly string[];
	readonly #faults: string[];

	/** @param wanted - names of execution providers in order of preference, such as `cuda`. */
	constructor(wanted: readonly string[] = [CPU]) {
		const builtIn = listSupportedBackends().map(({ name }) => name);
		const { providers, missing } = chooseProviders(wanted, builtIn);
		this.#providers = providers;
		this.#faults = missing.map((name) => `${name} (the runtime has ${builtIn.join(', ')})`);
	}

	/** What networks run on, in order of preference; settled when the first one is loaded. */
	get providers(): readonly string[] {
		return this.#providers;
	}

	/** What was asked for and cannot be had, and why; undefined when there is nothing to say. */
	get warning(): string | undefined {
		if (this.#faults.length === 0) return undefined;
		return `Cannot run networks on ${this.#faults.join(' or ')}; running them on ${this.#providers.join(', ')}`;
	}

	/**
	 * @param change - makes another network of the file before it is loaded.
	 * @throws Error when the file is no network that the runtime can load.
	 */
	async open(path: string, change?: (model: Buffer) => Buffer): Promise<OnnxSession> {
		const file = await readFile(path);
		const model = change?.(file) ?? file;
		// By its path unless it was changed, so that weights in files of their own are found beside it.
		const source = flushDenormalWeights(model) > 0 || model !== file ? model : path;
		const session = await this.#create(source);
		const [inputName] = session.inputNames;
		if (inputName === undefined) throw new Error(`Expected ${path} to have an input but it has none`);
		return {
			inputs: session.inputMetadata.map(describe),
			outputs: session.outputMetadata.map(describe),
			async run(input, shape) {
				const outputs = await session.run({ [inputName]: new Tensor('float32', input, shape) });
				return new Map(session.outputNames.map((name) => [name, toOutput(name, outputs[name])]));
			},
			close: () => session.release(),
		};
	}

	/** A provider that fails is left out from then on, if the network can be loaded without it. */
	async #create(source: Buffer | string): Promise<InferenceSession> {
		const failures: string[] = [];
		for (let providers = this.#providers; ; providers = providers.slice(1)) {
			const [preferred = CPU] = providers;
			try {
				const session = await createSession(source, {
					executionProviders: providers,
					intraOpNumThreads: 1,
					interOpNumThreads: 1,
				});
				this.#faults.push(...failures);
				this.#providers = providers;
				return session;
			} catch (error) {
				if (preferred === CPU) throw error;
				failures.push(`${preferred} (${error instanceof Error ? error.message : String(error)})`);
			}
		}
	}
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

/** The values of the named output of a run. */
export function outputOf(outputs: ReadonlyMap<string, OutputTensor>, name: string): Float32Array {
	const output = outputs.get(name);
	if (output === undefined) {
		throw new Error(`Expected an output named ${name} but the network has ${[...outputs.keys()].join(', ')}`);
	}
	return output.data;
}

function describe(metadata: InferenceSession.ValueMetadata): TensorDescription {
	const shape = metadata.isTensor ? metadata.shape : [];
	return {
		name: metadata.name,
		shape: shape.map((extent) => (typeof extent === 'number' && extent > 0 ? extent : undefined)),
	};
}

function toOutput(name: string, tensor: Tensor | undefined): OutputTensor {
	if (tensor?.data instanceof Float32Array) return { data: tensor.data, shape: tensor.dims };
	throw new Error(`Expected output ${name} to be float32 but received ${tensor?.type ?? 'nothing'}`);
}
