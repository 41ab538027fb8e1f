import { withSignal } from './jobs.ts';
import { dataOf, type Transport } from './transport.ts';
import type { CallOptions, Upload, UploadRequest } from './types.ts';

/** `/v1/uploads`: files past the queue. */
export class Uploads {
	readonly #transport: Transport;

	constructor(transport: Transport) {
		this.#transport = transport;
	}

	/** A link for a file. @throws FacetError */
	async create(request: UploadRequest = {}, { signal }: CallOptions = {}): Promise<Upload> {
		return dataOf<'createUpload'>(
			this.#transport.api.POST('/v1/uploads', { body: request, ...withSignal(signal) }),
		);
	}

	/**
	 * Sends the file over its link. Jobs then find it under `upload_id`.
	 *
	 * @param body - a stream cannot be tried again when it fails midway, and S3 takes one only when its length was given
	 * to `create`.
	 * @throws FacetError
	 */
	async put(
		upload: Pick<Upload, 'url' | 'method' | 'headers'>,
		body: Blob | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>,
		{ signal }: CallOptions = {},
	): Promise<void> {
		const { url, method, headers } = upload;
		const response = await this.#transport.sendTo(url, { method, headers, body, signal });
		await response.body?.cancel();
	}
}
