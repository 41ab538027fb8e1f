import { rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../failure.mjs';
import { verifyFile } from './verify-file.mjs';

/**
 * Moves a complete file to its place, when it is the one that MODELS.json names; removes it otherwise.
 *
 * @param {string} path
 * @param {import('./manifest.mjs').Model} model
 * @param {string} modelsDir
 * @param {string} origin Where it is from, for the message.
 */
export async function installFile(path, model, modelsDir, origin) {
	const fault = await verifyFile(path, model);
	if (fault) {
		await rm(path, { force: true });
		throw new Failure(`Refused ${model.file} from ${origin}: ${fault}`);
	}
	await rename(path, join(modelsDir, model.file));
}
