import type { WireJob } from '@facet/contracts';
import sharp from 'sharp';
import { expect } from 'vitest';
import type { ChaosMedia } from './chaos-media.ts';

/** Mean difference of two pictures that JPEG and scaling leave, in levels of 255; another region differs by 40 or more. */
const TOLERANCE = 12;

/**
 * Fetches every crop of a job and compares it with the region of the picture that it says it is.
 *
 * @param url - of the job's media.
 * @param apiUrl - where the API is now; crops of the file-system store are fetched there.
 */
export async function checkCrops(
	{ result }: WireJob,
	url: string,
	media: ChaosMedia,
	apiUrl: string,
): Promise<{ right: number; missing: number }> {
	const counts = { right: 0, missing: 0 };
	for (const [key, { face_urls, crop_region }] of Object.entries(result?.faces_obj ?? {})) {
		for (const [index, cropUrl] of (face_urls ?? []).entries()) {
			const [x = 0, y = 0, width = 0, height = 0] = crop_region?.[index] ?? [];
			if (cropUrl === null) {
				counts.missing += 1;
				continue;
			}
			const response = await fetch(currentUrl(cropUrl, apiUrl));
			expect(response.status, `crop ${index} of frame ${key} of ${url}`).toBe(200);
			const crop = sharp(Buffer.from(await response.arrayBuffer()));
			const { data, info } = await crop.removeAlpha().raw().toBuffer({ resolveWithObject: true });
			expect([info.width, info.height]).toEqual([width, height]);
			const picture = media.picture(url, key);
			const truth = await sharp(picture.pixels, {
				raw: { width: picture.width, height: picture.height, channels: 3 },
			})
				.extract({ left: x, top: y, width, height })
				.raw()
				.toBuffer();
			let sum = 0;
			for (let i = 0; i < truth.length; i += 1) sum += Math.abs((truth[i] ?? 0) - (data[i] ?? 0));
			expect(sum / truth.length, `crop ${index} of frame ${key} of ${url}`).toBeLessThan(TOLERANCE);
			counts.right += 1;
		}
	}
	return counts;
}

/** A link of the service's own, at the address where the API is now. */
function currentUrl(cropUrl: string, apiUrl: string): URL {
	const url = new URL(cropUrl);
	return url.pathname.startsWith('/files/') ? new URL(url.pathname + url.search, apiUrl) : url;
}
