import { access, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';

const thresholdsSchema = z.object({ score: z.number().min(0).max(1), iou: z.number().min(0).max(1) });

/** One network in `MODELS.json`. The fields that every network has; an engine parses its own `parameters`. */
const modelEntrySchema = z.object({
	name: z.string().min(1),
	/** Which code runs it: a key of the engine table, or `landmarks68`, `face_embedding`. */
	kind: z.string().min(1),
	description: z.string(),
	file: z.string().min(1),
	licence: z.string(),
	input: z.object({
		width: z.int().positive(),
		height: z.int().positive(),
		channels: z.enum(['rgb', 'bgr', 'grey']),
	}),
	/** Applied to 0..255 values: `(value - mean) / scale`. */
	normalisation: z.object({ mean: z.number(), scale: z.number().positive() }),
	/** Of face detectors: the lowest score of a face, and the overlap from which two boxes are one face. */
	thresholds: thresholdsSchema.optional(),
	parameters: z.record(z.string(), z.unknown()).default({}),
});

const registrySchema = z.object({
	/** Networks that are fetched together: pack name to network names. */
	packs: z.record(z.string(), z.array(z.string())),
	models: z.array(modelEntrySchema),
});

export type ModelEntry = z.infer<typeof modelEntrySchema>;
export type ModelRegistry = z.infer<typeof registrySchema>;

/** A network whose weights are on the disk. */
export interface Model extends ModelEntry {
	/** Path of the weight file. */
	readonly path: string;
}

/** A weight file that is no entry of `MODELS.json`. */
export interface UnlistedModel {
	/** The file's name without its extension. */
	readonly name: string;
	readonly path: string;
	/** The networks whose settings it may take over. */
	readonly registry: ModelRegistry;
}

/** The pack that `npm run models` fetches when it is given no name. */
const DEFAULT_PACK = 'embedded';

/**
 * Reads `MODELS.json` of a models directory.
 *
 * @throws Error that names the file and each field at fault.
 */
export async function readModelRegistry(modelsDir: string): Promise<ModelRegistry> {
	const path = join(modelsDir, 'MODELS.json');
	let json: unknown;
	try {
		json = JSON.parse(await readFile(path, 'utf8'));
	} catch (cause) {
		throw new Error(`Expected a JSON file at ${path}; is MODELS_DIR right?`, { cause });
	}
	const parsed = registrySchema.safeParse(json);
	if (!parsed.success) {
		throw new Error(`${path} is wrong:\n${z.prettifyError(parsed.error)}`, { cause: parsed.error });
	}
	return parsed.data;
}

/**
 * The entry and the weight file of a network.
 *
 * @throws Error when the name is unknown (names those that are known), or when the weights were not fetched yet
 * (names the command that fetches them).
 */
export async function findModel(modelsDir: string, name: string): Promise<Model> {
	const registry = await readModelRegistry(modelsDir);
	const entry = registry.models.find((model) => model.name === name);
	if (entry === undefined) {
		const known = registry.models.map((model) => model.name).join(', ');
		throw new Error(`Expected the name of a network in MODELS.json (${known}) but received ${name}`);
	}
	const path = join(modelsDir, entry.file);
	try {
		await access(path);
	} catch (cause) {
		const isEmbedded = registry.packs[DEFAULT_PACK]?.includes(name) ?? false;
		const command = isEmbedded ? 'npm run models' : `npm run models -- ${name}`;
		throw new Error(`The weights of ${name} are not at ${path}; fetch them with \`${command}\``, { cause });
	}
	return { ...entry, path };
}

/** Whether this is the path of a weight file rather than the name of a network. */
export function isModelPath(nameOrPath: string): boolean {
	return nameOrPath.endsWith('.onnx');
}

/**
 * A weight file by its path, which need not be in the models directory. Its hash is not looked at.
 *
 * @param modelsDir - of the `MODELS.json` with the settings of its kind.
 * @throws Error when there is no such file.
 */
export async function findModelFile(modelsDir: string, path: string): Promise<UnlistedModel> {
	const resolved = resolve(path);
	try {
		await access(resolved);
	} catch (cause) {
		throw new Error(`Expected an ONNX file at ${resolved} but there is none that can be read`, { cause });
	}
	return { name: basename(resolved, '.onnx'), path: resolved, registry: await readModelRegistry(modelsDir) };
}

/**
 * A weight file with the settings of the first network of its kind in `MODELS.json`.
 *
 * @throws Error when there is none.
 */
export function settingsOfKind({ name, path, registry }: UnlistedModel, kind: string): Model {
	const entry = registry.models.find((model) => model.kind === kind);
	if (entry === undefined) {
		throw new Error(
			`Expected a network of kind ${kind} in MODELS.json, whose settings ${name} would run with`,
		);
	}
	return { ...entry, name, path, file: basename(path) };
}

/** @throws Error when the entry of a face detector has none. */
export function thresholdsOf(model: ModelEntry): z.infer<typeof thresholdsSchema> {
	if (model.thresholds === undefined) {
		throw new Error(`Expected "thresholds" in the entry of ${model.name} in MODELS.json`);
	}
	return model.thresholds;
}
