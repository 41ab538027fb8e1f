import { run } from '../process/run.mjs';
import { findProgram } from './find-program.mjs';

/** Whether containers can run here: the command alone says nothing about the engine behind it. */
export async function hasDockerEngine() {
	if (!findProgram('docker')) return false;
	return run('docker', ['info']).then(
		() => true,
		() => false,
	);
}
