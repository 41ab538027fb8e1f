import type { Engine } from '../engine.ts';
import type { Model } from '../model-registry.ts';
import { createUltraFace } from './ultraface.ts';

/** The engine of each `kind` of detection network in `MODELS.json`. */
const ENGINES: ReadonlyMap<string, (model: Model) => Promise<Engine>> = new Map([
	['ultraface', createUltraFace],
]);

/** @throws Error when no engine runs this kind of network. */
export function createEngine(model: Model): Promise<Engine> {
	const create = ENGINES.get(model.kind);
	if (create === undefined) {
		const kinds = [...ENGINES.keys()].join(', ');
		throw new Error(`Expected a face detector (${kinds}) but ${model.name} is of kind ${model.kind}`);
	}
	return create(model);
}
