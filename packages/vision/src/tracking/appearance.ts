/** Cosine at which likeness speaks neither for nor against two faces being one person's. */
const NEUTRAL_COSINE = 0.22;

/**
 * Evidence a unit of cosine, above and below the neutral one. Of strangers' pairs one in 1,000 reaches .35 and one in
 * 10,000 .42, of one person's 78 % and 64 %: the odds grow by a factor of some 30 to 40 each tenth. Below, they fall
 * more slowly: blurred and turned faces are like nobody, themselves included.
 */
const EVIDENCE_ABOVE = 30;
const EVIDENCE_BELOW = 25;

/** The most and the least that likeness can say. */
const MOST_EVIDENCE = 15;
const LEAST_EVIDENCE = -8;

/**
 * Cosine of two embeddings of length 1. Four sums side by side, since an addition waits for the one before it: a crowd of
 * strangers needs ten million of these.
 */
export function cosine(a: Float32Array, b: Float32Array): number {
	let first = 0;
	let second = 0;
	let third = 0;
	let fourth = 0;
	for (let i = 0; i < a.length; i += 4) {
		first += (a[i] ?? 0) * (b[i] ?? 0);
		second += (a[i + 1] ?? 0) * (b[i + 1] ?? 0);
		third += (a[i + 2] ?? 0) * (b[i + 2] ?? 0);
		fourth += (a[i + 3] ?? 0) * (b[i + 3] ?? 0);
	}
	return first + second + third + fourth;
}

/** Clarities between which likeness comes to count: at the lower one the network sees no face, so it says nothing. */
const NO_FACE_CLARITY = 1.3;
const CLEAR_FACE_CLARITY = 2.3;

/**
 * What a cosine says for two faces being one person's: the logarithm of the odds, as `motionEvidence` gives it.
 *
 * @param clarity - the face's, see `FaceEmbedding`.
 */
export function appearanceEvidence(likeness: number, clarity: number): number {
	const beyond = likeness - NEUTRAL_COSINE;
	const evidence = beyond * (beyond > 0 ? EVIDENCE_ABOVE : EVIDENCE_BELOW);
	const reliability = (clarity - NO_FACE_CLARITY) / (CLEAR_FACE_CLARITY - NO_FACE_CLARITY);
	return Math.min(MOST_EVIDENCE, Math.max(LEAST_EVIDENCE, evidence)) * Math.min(1, Math.max(0, reliability));
}

/** Views that are kept to compare with, the latest ones. */
const MOST_VIEWS = 12;

/** What a person looked like so far: the latest views of one track, and the mean of all. */
export class Gallery {
	readonly #views: Float32Array[] = [];
	readonly #sum: Float64Array;
	/** Undefined until it is asked for. */
	#mean: Float32Array | undefined;

	constructor(dimensions: number) {
		this.#sum = new Float64Array(dimensions);
	}

	/** @param weight - how good a view it is, > 0. */
	add(embedding: Float32Array, weight: number): void {
		this.#views.push(embedding);
		if (this.#views.length > MOST_VIEWS) this.#views.shift();
		this.#mean = undefined;
		for (let i = 0; i < embedding.length; i++) {
			this.#sum[i] = (this.#sum[i] ?? 0) + weight * (embedding[i] ?? 0);
		}
	}

	/** The weighted mean of the views, of length 1. */
	mean(): Float32Array {
		this.#mean ??= this.#computeMean();
		return this.#mean;
	}

	#computeMean(): Float32Array {
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
		const likeMean = cosine(this.mean(), embedding);
		if (this.#views.length === 1) return likeMean;
		let nearest = -1;
		for (const view of this.#views) nearest = Math.max(nearest, cosine(view, embedding));
		return Math.max(likeMean, nearest - NEAREST_VIEW_MARGIN);
	}
}

/** The best of many views is a bit like everybody. */
const NEAREST_VIEW_MARGIN = 0.05;
