import type { Engine, EngineKind } from '../engine.ts';
import { type Model, settingsOfKind, type UnlistedModel } from '../model-registry.ts';
import type { NetworkDescription, OnnxRuntime, TensorDescription } from '../onnx-session.ts';
import { undivided } from '../work-division.ts';
import { scrfd } from './scrfd.ts';
import { ultraFace } from './ultraface.ts';
import { yuNet } from './yunet.ts';

/** The kinds of detection networks. No network is of two. */
const KINDS: readonly EngineKind[] = [ultraFace, scrfd, yuNet];

/**
 * Loads a detection network: one of `MODELS.json`, or a file whose kind is told from its inputs and outputs, and
 * which runs with the settings of the first network of that kind in `MODELS.json`.
 *
 * @throws Error when no engine runs this network, or not as the kind that `MODELS.json` says; it names the inputs and
 * outputs that were expected and those that came.
 */
export async function openEngine(
	model: Model | UnlistedModel,
	runtime: OnnxRuntime,
	division = undivided,
): Promise<{ engine: Engine; kind: string }> {
	const session = await runtime.open(model.path);
	let run = session;
	try {
		const { kind, settings } = kindOf(model, session);
		if (kind.change !== undefined) {
			run = await runtime.open(model.path, kind.change);
			await session.close();
		}
		return { engine: kind.create(settings, run, division), kind: kind.kind };
	} catch (error) {
		await run.close();
		throw error;
	}
}

function kindOf(
	model: Model | UnlistedModel,
	network: NetworkDescription,
): { kind: EngineKind; settings: Model } {
	if ('kind' in model) {
		const kind = KINDS.find((candidate) => candidate.kind === model.kind);
		if (kind === undefined) {
			const kinds = KINDS.map((known) => known.kind).join(', ');
			throw new Error(`Expected a face detector (${kinds}) but ${model.name} is of kind ${model.kind}`);
		}
		if (!kind.recognises(network)) throw notRecognised(model.path, [kind], network);
		return { kind, settings: model };
	}
	const kind = KINDS.find((candidate) => candidate.recognises(network));
	if (kind === undefined) throw notRecognised(model.path, KINDS, network);
	return { kind, settings: settingsOfKind(model, kind.kind) };
}

function notRecognised(path: string, kinds: readonly EngineKind[], network: NetworkDescription): Error {
	const expected = kinds.map(({ kind, expects }) => `${kind}: ${expects}`).join('; or ');
	const received = `inputs ${list(network.inputs)} and outputs ${list(network.outputs)}`;
	return new Error(`Expected a face detector at ${path} (${expected}) but received ${received}`);
}

function list(tensors: readonly TensorDescription[]): string {
	return tensors
		.map(({ name, shape }) => `${name} [${shape.map((extent) => extent ?? '?').join(',')}]`)
		.join(', ');
}
