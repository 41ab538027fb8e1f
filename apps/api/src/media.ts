import { createHash } from 'node:crypto';
import type { DetectJob, RequestedMedia } from '@facet/contracts';
import type { ObjectStore } from '@facet/storage';
import type { FoundUpload } from './find-upload.ts';
import { decodeInlineImage } from './inline-image.ts';
import type { ReceivedFile } from './receive-file.ts';
import { storeUpload } from './store-upload.ts';

/** Media of a request as this process has it in hand. */
export type Media =
	| { readonly kind: 'url'; readonly url: string }
	| { readonly kind: 'bytes'; readonly bytes: Buffer; readonly sha256: string }
	| { readonly kind: 'file'; readonly file: ReceivedFile }
	| { readonly kind: 'object'; readonly object: FoundUpload };

/** An upload of the caller's that has not been looked up. */
export interface NamedUpload {
	readonly kind: 'upload';
	readonly uploadId: string;
}

type Inline = Extract<RequestedMedia, { kind: 'inline' }>;

/** @throws AppError `invalid_request` for an `img` that is no base64. */
export function toMedia<Other extends { readonly kind: 'url' | 'upload' }>(
	requested: Inline | Other,
): Other | Extract<Media, { kind: 'bytes' }> {
	if (requested.kind !== 'inline') return requested;
	const bytes = decodeInlineImage(requested.base64);
	return { kind: 'bytes', bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

/** The same for media that are the same: an inline image and a file of the same bytes, two times the same URL. */
export function identityOf(media: Media | NamedUpload): string {
	switch (media.kind) {
		case 'url':
			return `url ${media.url}`;
		case 'bytes':
			return `sha256 ${media.sha256}`;
		case 'file':
			return `sha256 ${media.file.sha256}`;
		case 'upload':
			return `upload ${media.uploadId}`;
		case 'object':
			return `object ${media.object.key} ${media.object.etag}`;
	}
}

/**
 * Puts what a job cannot carry into the object store.
 *
 * @returns where the worker finds the media.
 * @throws AppError `storage_unavailable`.
 */
export async function storeMedia(
	store: ObjectStore,
	media: Media,
	job: { readonly id: string; readonly owner: string },
): Promise<DetectJob['source']> {
	switch (media.kind) {
		case 'url':
			return media;
		case 'bytes': {
			const key = `uploads/${job.id}.bin`;
			await store.put(key, media.bytes, { contentType: 'application/octet-stream' });
			return { kind: 'object', key };
		}
		case 'file':
			return { kind: 'object', key: await storeUpload(store, job.owner, media.file) };
		case 'object':
			return { kind: 'object', key: media.object.key, keep: true };
	}
}
