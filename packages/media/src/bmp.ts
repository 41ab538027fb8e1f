import { open } from 'node:fs/promises';
import { AppError } from '@facet/contracts';

/** File header (14 bytes) and the part of the information header that holds the size. */
const HEADER_BYTES = 26;
const OS2_CORE_HEADER_BYTES = 12;

/**
 * Refuses a BMP by its header alone, since sharp's own check does not see the file.
 *
 * @throws AppError `corrupt_media`, `too_many_pixels`.
 */
export async function checkBmpSize(path: string, maxPixels: number): Promise<void> {
	const file = await open(path);
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, 0);
		if (bytesRead < HEADER_BYTES)
			throw new AppError('corrupt_media', { detail: 'the BMP ends in its header' });
		const isCore = buffer.readUInt32LE(14) === OS2_CORE_HEADER_BYTES;
		const width = isCore ? buffer.readUInt16LE(18) : Math.abs(buffer.readInt32LE(18));
		// A negative height means that rows come top down.
		const height = isCore ? buffer.readUInt16LE(20) : Math.abs(buffer.readInt32LE(22));
		if (width * height > maxPixels) {
			throw new AppError('too_many_pixels', {
				detail: `expected at most ${maxPixels} pixels, received ${width} x ${height}`,
			});
		}
	} finally {
		await file.close();
	}
}
