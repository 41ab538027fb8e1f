import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const isBuilt = import.meta.url.includes('/test/dist/');
const folder = fileURLToPath(new URL(`${isBuilt ? '../' : ''}../../../shared/models/`, import.meta.url));

/**
 * Paths of the networks in a folder of InsightFace's beside the checkout, which is not part of it; empty without such
 * a folder. Tests that use them run on networks of their own besides.
 *
 * @param kind - what the files' names begin with.
 */
export function networksBesideCheckout(kind: string): string[] {
	if (!existsSync(folder)) return [];
	return readdirSync(folder)
		.filter((name) => name.startsWith(kind) && name.endsWith('.onnx'))
		.map((name) => folder + name);
}
