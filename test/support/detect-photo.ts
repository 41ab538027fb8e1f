import type { Detection } from '@facet/contracts';
import { decodeForDetection } from '@facet/media/pictures';
import type { FaceDetector } from '@facet/vision';

const LIMITS = { maxPixels: 100_000_000, timeoutMs: 60_000 };

/** As the inference thread does it: small first, and larger when the detector asks for that. In pixels of the photo. */
export async function detectPhoto(detector: FaceDetector, photo: Buffer): Promise<Detection[]> {
	const decode = (maxSide: number) => decodeForDetection(photo, { maxSide, ...LIMITS });
	const { image, width, height } = await decode(detector.inputSide);
	const faces = await detector.detect(image, {
		turns: true,
		source: {
			width,
			height,
			decode: async (mostPixels) => {
				const shrink = Math.min(1, Math.sqrt(mostPixels / (width * height)));
				return (await decode(Math.floor(Math.max(width, height) * shrink))).image;
			},
		},
	});
	const scale = width / image.width;
	return faces.map((face) => ({
		...face,
		box: {
			x: face.box.x * scale,
			y: face.box.y * scale,
			width: face.box.width * scale,
			height: face.box.height * scale,
		},
	}));
}
