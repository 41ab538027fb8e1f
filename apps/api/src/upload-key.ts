import { randomBytes } from 'node:crypto';
import { uploadIdSchema } from '@facet/contracts';

/** An id that nobody guesses: `upl_` and 128 random bits. */
export function newUploadId(): string {
	return uploadIdSchema.parse(`upl_${randomBytes(16).toString('base64url')}`);
}

/**
 * Where an upload lies. The owner is a part of it, so that an id is of no use to another caller.
 *
 * @param owner - id of the caller.
 */
export function uploadKey(owner: string, uploadId: string): string {
	return `uploads/${owner}/${uploadIdSchema.parse(uploadId)}.bin`;
}
