import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';

export interface TestServer {
	readonly url: string;
	close(): Promise<void>;
}

/**
 * An HTTP server on the loopback address that answers as the test says.
 *
 * @param port - a free one by default.
 */
export async function startHttpServer(listener: RequestListener, port = 0): Promise<TestServer> {
	const server = createServer(listener).listen(port, '127.0.0.1');
	await once(server, 'listening');
	const address = server.address();
	if (typeof address !== 'object' || address === null) throw new Error('a TCP server without an address');
	return {
		url: `http://127.0.0.1:${address.port}`,
		close: async () => {
			const closed = once(server, 'close');
			server.close();
			server.closeAllConnections();
			await closed;
		},
	};
}
