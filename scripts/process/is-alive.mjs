/**
 * @param {number} pid
 * @returns {boolean} Whether a process with this id runs here.
 */
export function isAlive(pid) {
	try {
		process.kill(pid, 0);
		return true;
	} catch (error) {
		// EPERM: it is there, and somebody else's.
		return /** @type {NodeJS.ErrnoException} */ (error).code === 'EPERM';
	}
}
