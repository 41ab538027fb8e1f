import { rm, stat } from 'node:fs/promises';
import { downloadFile } from './download-file.mjs';

/**
 * Downloads a file and hands it on. When it turns out wrong and some of it was left by an earlier run, that may have
 * been the beginning of another file: then it is downloaded once more, from its first byte.
 *
 * @param {string} url
 * @param {string} part As for `downloadFile`; gone when it was of no use.
 * @param {Parameters<typeof downloadFile>[2]} options
 * @param {() => Promise<void>} use Rejects when the file is not what was expected.
 */
export async function downloadAndUse(url, part, options, use) {
	let isFresh = (await stat(part).catch(() => undefined)) === undefined;
	for (;;) {
		await downloadFile(url, part, options);
		try {
			await use();
			return;
		} catch (error) {
			await rm(part, { force: true });
			if (isFresh) throw error;
			isFresh = true;
		}
	}
}
