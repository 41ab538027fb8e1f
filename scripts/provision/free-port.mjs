import { createServer } from 'node:net';

/**
 * @param {number} preferred 0 for any.
 * @param {string} [host]
 * @returns {Promise<number>} The preferred port, or a free one when it is taken.
 */
export async function freePort(preferred, host = '127.0.0.1') {
	return (await tryPort(preferred, host)) ?? (await freePort(0, host));
}

/**
 * @param {number} port
 * @param {string} host
 * @returns {Promise<number | undefined>}
 */
function tryPort(port, host) {
	return new Promise((resolve, reject) => {
		const server = createServer();
		server.once('error', (/** @type {NodeJS.ErrnoException} */ error) => {
			if (port !== 0 && (error.code === 'EADDRINUSE' || error.code === 'EACCES')) resolve(undefined);
			else reject(error);
		});
		server.listen(port, host, () => {
			const address = /** @type {import('node:net').AddressInfo} */ (server.address());
			server.close(() => resolve(address.port));
		});
	});
}
