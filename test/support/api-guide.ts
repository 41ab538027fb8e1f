import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/** This file runs from `test/support` and, in programs, from `test/dist/support`. */
const root = import.meta.url.includes('/test/dist/') ? '../../../' : '../../';

/** The text of `docs/api.md`. */
export const API_GUIDE = await readFile(
	fileURLToPath(new URL(`${root}docs/api.md`, import.meta.url)),
	'utf8',
);

/** The examples of the guide in a language. */
export function guideExamples(language: 'sh' | 'ts' | 'python'): string[] {
	const fenced = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm');
	return [...API_GUIDE.matchAll(fenced)].map(([, example]) => example ?? '');
}
