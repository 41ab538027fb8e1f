import { Failure } from '../failure.mjs';
import { run } from '../process/run.mjs';

/**
 * Extracts some entries of a `.tgz`, under their paths in it.
 *
 * By the system's `tar`: it is in Debian's essential set (slim images included) and in macOS, and reads every tar
 * dialect. The tarball's integrity is verified before, and only named entries are written.
 *
 * @param {string} tarball
 * @param {readonly string[]} entries
 * @param {string} destination
 */
export async function extractEntries(tarball, entries, destination) {
	try {
		await run('tar', ['-xzf', tarball, '-C', destination, ...entries]);
	} catch (cause) {
		if (!(cause instanceof Failure)) throw cause;
		const reason = cause.output.trim().split('\n')[0] || cause.message;
		throw new Failure(`Cannot extract ${entries.join(', ')} from ${tarball}: ${reason}`, { cause });
	}
}
