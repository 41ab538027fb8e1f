import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AppError } from '@facet/contracts';
import { type FilesystemStore, receiveSignedFile, serveSignedFile } from '@facet/storage';

/** A store whose links lead to a server that does what the API's route does. */
export async function serveFiles(makeStore: (publicBaseUrl: string) => Promise<FilesystemStore>) {
	const failures: unknown[] = [];
	const server = createServer((request, response) => {
		request.url = request.url?.replace(/^\/files/, '') ?? '';
		const answer = request.method === 'PUT' ? receiveSignedFile : serveSignedFile;
		answer(store, request, response).catch((error: unknown) => {
			const { status, detail } = AppError.from(error);
			if (response.headersSent || status >= 500) failures.push(error);
			response.writeHead(status).end(detail);
		});
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	const store = await makeStore(`http://127.0.0.1:${port}/`);
	const stop = () =>
		new Promise<void>((resolve) => {
			server.close(() => resolve());
			server.closeAllConnections();
		});
	return { store, stop, failures };
}
