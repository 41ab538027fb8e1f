import { OnnxRuntime, type OnnxSession } from '@facet/vision';

/** The values that a tensor had, 0 included: what is padded must be exact. */
export interface ValueRange {
	readonly least: number;
	readonly most: number;
}

/** Runs one network in a version that gives some of its inner tensors too, and keeps what values they take. */
export class CalibratingRuntime extends OnnxRuntime {
	readonly #path: string;
	readonly #exposedPath: string;
	readonly #ranges: Map<string, ValueRange>;

	/**
	 * @param path - of the network.
	 * @param exposedPath - of the same with `tensors` among its outputs.
	 */
	constructor(path: string, exposedPath: string, tensors: readonly string[]) {
		super();
		this.#path = path;
		this.#exposedPath = exposedPath;
		this.#ranges = new Map(tensors.map((name) => [name, { least: 0, most: 0 }]));
	}

	/** By tensor, over all the runs so far. */
	get ranges(): ReadonlyMap<string, ValueRange> {
		return this.#ranges;
	}

	override async open(path: string, change?: (model: Buffer) => Buffer): Promise<OnnxSession> {
		if (path !== this.#path) return super.open(path, change);
		const network = await super.open(path, change);
		const wanted = new Set(network.outputs.map(({ name }) => name));
		await network.close();
		const session = await super.open(this.#exposedPath, change);
		return {
			...session,
			outputs: session.outputs.filter(({ name }) => wanted.has(name)),
			run: async (input, shape) => {
				const outputs = await session.run(input, shape);
				for (const [name, { data }] of outputs) this.#observe(name, data);
				return new Map([...outputs].filter(([name]) => wanted.has(name)));
			},
		};
	}

	#observe(name: string, values: Float32Array): void {
		const known = this.#ranges.get(name);
		if (known === undefined) return;
		let { least, most } = known;
		for (const value of values) {
			if (value < least) least = value;
			if (value > most) most = value;
		}
		this.#ranges.set(name, { least, most });
	}
}
