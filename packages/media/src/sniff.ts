import { open } from 'node:fs/promises';
import { AppError } from '@facet/contracts';
import { fileTypeFromFile } from 'file-type';

export type ImageFormat = 'jpeg' | 'png' | 'webp' | 'avif' | 'gif' | 'tiff' | 'bmp';

/** What the bytes of a file say it is. The name of the file and the headers that it came with are not asked. */
export type MediaType = { readonly kind: 'image'; readonly format: ImageFormat };

const IMAGE_FORMATS: Readonly<Record<string, ImageFormat>> = {
	'image/jpeg': 'jpeg',
	'image/png': 'png',
	'image/apng': 'png',
	'image/webp': 'webp',
	'image/avif': 'avif',
	'image/gif': 'gif',
	'image/tiff': 'tiff',
	'image/bmp': 'bmp',
};

const EXPECTED = 'expected a JPEG, PNG, WebP, AVIF, GIF, TIFF or BMP photo';

/** Enough for a prolog, a doctype and a comment before the root element of an SVG. */
const TEXT_PROBE_BYTES = 4096;

/**
 * Tells the type of a file by its content.
 *
 * @throws AppError `unsupported_format`, saying what the file is where that is known; `corrupt_media` for an empty file.
 */
export async function sniffMedia(path: string): Promise<MediaType> {
	const head = await readHead(path);
	if (head.length === 0) throw new AppError('corrupt_media', { detail: 'the file is empty' });
	// file-type throws when the file ends in the middle of a structure that it reads.
	const type = await fileTypeFromFile(path).catch(() => undefined);
	const format = IMAGE_FORMATS[type?.mime ?? ''] ?? (isAvif(head) ? 'avif' : undefined);
	if (format) return { kind: 'image', format };
	throw new AppError('unsupported_format', { detail: `${EXPECTED}, received ${describe(type?.mime, head)}` });
}

async function readHead(path: string): Promise<Buffer> {
	const file = await open(path);
	try {
		const { buffer, bytesRead } = await file.read(Buffer.alloc(TEXT_PROBE_BYTES), 0, TEXT_PROBE_BYTES, 0);
		return buffer.subarray(0, bytesRead);
	} finally {
		await file.close();
	}
}

/** AVIF files may carry the general brand `mif1` and name `avif` only among the compatible ones (ISO 23008-12, 10.2). */
function isAvif(head: Buffer): boolean {
	if (head.length < 16 || head.toString('latin1', 4, 8) !== 'ftyp') return false;
	const brands = head.toString('latin1', 8, Math.min(head.readUInt32BE(0), head.length));
	return /^(?:.{4})*?(?:avif|avis)/s.test(brands);
}

function describe(mime: string | undefined, head: Buffer): string {
	if (mime === 'image/heic' || mime === 'image/heif' || mime?.endsWith('-sequence')) {
		return 'HEIC, which needs to be converted first';
	}
	if (mime?.startsWith('video/')) return `a video (${mime})`;
	const text = head.toString('latin1');
	if (/<svg[\s>]/i.test(text)) return 'SVG, which is a drawing and not a photo';
	if (mime === 'application/pdf') return 'PDF, which is a document and not a photo';
	if (/^\s*(?:<!doctype html|<html)/i.test(text)) return 'an HTML page';
	return mime ?? 'bytes of no known format';
}
