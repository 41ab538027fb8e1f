import { createHash } from 'node:crypto';
import type { DetectOptions, Extra } from '@facet/contracts';

/** What makes two detections the same. */
export interface Detection {
	/** Id of the caller: nobody is answered from another's job. */
	readonly owner: string;
	/** As `identityOf` says it, or closer. */
	readonly media: string;
	readonly options: DetectOptions;
	readonly include: readonly Extra[];
}

/**
 * Digest under which an identical request finds an unfinished job. Those of the synchronous endpoint are apart: whoever
 * waits there must not be made to wait for a job that goes after all of its kind.
 */
export function fingerprintOf(scope: 'sync' | 'v1', { owner, media, options, include }: Detection): string {
	const { numFrames, returnFaceUrl, singleFace, minFaceSize, scoreThreshold } = options;
	const choices = [numFrames, returnFaceUrl, singleFace, minFaceSize ?? null, scoreThreshold ?? null];
	return digestOf([scope, owner, media, choices, [...include].sort()]);
}

/** Digest of plain data, by the order of its parts: 128 bits in base64url. */
export function digestOf(parts: readonly unknown[]): string {
	return createHash('sha256').update(JSON.stringify(parts)).digest().subarray(0, 16).toString('base64url');
}
