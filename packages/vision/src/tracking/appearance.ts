/** Cosine at which likeness speaks neither for nor against two faces being one person's. */
const NEUTRAL_COSINE = 0.22;

/**
 * Evidence a unit of cosine, above and below the neutral one. Of strangers' pairs one in 1,000 reaches .35 and one in
 * 10,000 .42, of one person's 78 % and 64 %: the odds grow by a factor of some 30 to 40 each tenth. Below, they fall
 * more slowly: blurred and turned faces are like nobody, themselves included.
 */
const EVIDENCE_ABOVE = 30;
const EVIDENCE_BELOW = 15;

/** The most and the least that likeness can say. */
const MOST_EVIDENCE = 9;
const LEAST_EVIDENCE = -4;

/** Cosine of two embeddings of length 1. */
export function cosine(a: Float32Array, b: Float32Array): number {
	let product = 0;
	for (let i = 0; i < a.length; i++) product += (a[i] ?? 0) * (b[i] ?? 0);
	return product;
}

/** What a cosine says for two faces being one person's: the logarithm of the odds, as `motionEvidence` gives it. */
export function appearanceEvidence(likeness: number): number {
	const beyond = likeness - NEUTRAL_COSINE;
	const evidence = beyond * (beyond > 0 ? EVIDENCE_ABOVE : EVIDENCE_BELOW);
	return Math.min(MOST_EVIDENCE, Math.max(LEAST_EVIDENCE, evidence));
}

/** What a person looked like so far: the views of one track, and their mean. */
export class Gallery {
	readonly #views: Float32Array[] = [];
	readonly #sum: Float64Array;

	constructor(dimensions: number) {
		this.#sum = new Float64Array(dimensions);
	}

	/** @param weight - how good a view it is, > 0. */
	add(embedding: Float32Array, weight: number): void {
		this.#views.push(embedding);
		for (let i = 0; i < embedding.length; i++) {
			this.#sum[i] = (this.#sum[i] ?? 0) + weight * (embedding[i] ?? 0);
		}
	}

	/** The weighted mean of the views, of length 1. */
	mean(): Float32Array {
		let squares = 0;
		for (const value of this.#sum) squares += value * value;
		const length = Math.sqrt(squares) || 1;
		return Float32Array.from(this.#sum, (value) => value / length);
	}

	/**
	 * Cosine with the mean, or with the nearest view when that is more by a margin: the mean is the less noisy of the
	 * two, but a head that turned is nearer to its own last view than to the mean.
	 */
	likeness(embedding: Float32Array): number {
		let nearest = -1;
		for (const view of this.#views) nearest = Math.max(nearest, cosine(view, embedding));
		return Math.max(cosine(this.mean(), embedding), nearest - NEAREST_VIEW_MARGIN);
	}
}

/** The best of many views is a bit like everybody. */
const NEAREST_VIEW_MARGIN = 0.05;
