import { Facet } from '../support/facet.ts';
import { samplePhoto } from '../support/sample-photos.ts';
import { V1Client } from '../support/v1.ts';

/** Headers with a caller's key. */
export type KeyHeader = { readonly 'x-api-key': string };

/** A service with two callers: one that has a job with crops, and one that wants to see them. */
export interface TwoCallers {
	readonly facet: Facet;
	readonly owner: KeyHeader;
	readonly stranger: KeyHeader;
	/** The owner's job. */
	readonly jobId: string;
	/** A link to one of its crops. */
	readonly cropUrl: URL;
}

export async function startWithTwoCallers(
	redisUrl: string,
	environment: Readonly<Record<string, string>> = {},
): Promise<TwoCallers> {
	const facet = await Facet.start(redisUrl, { REQUIRE_API_KEY: 'true', ...environment });
	const owner = { 'x-api-key': (await facet.callers.create('Owner')).key };
	const stranger = { 'x-api-key': (await facet.callers.create('Stranger')).key };
	const img = (await samplePhoto(1)).toString('base64');
	const jobs = new V1Client(facet.url, owner);
	const jobId = (await jobs.submit({ img, return_face_url: true })).body.id;
	const job = await jobs.get(jobId, 30);
	const cropUrl = new URL(job.result?.faces_obj['0']?.face_urls?.[0] ?? '');
	return { facet, owner, stranger, jobId, cropUrl };
}
