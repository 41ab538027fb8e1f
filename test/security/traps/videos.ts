/** Videos that are made to hurt whoever decodes them. */

const CONTAINERS = ['moov', 'trak', 'mdia', 'minf', 'dinf', 'stbl'];

/** Puts another list of boxes in place of the content of the first box of a type, and mends all sizes around it. */
function replaceBox(file: Buffer, type: string, content: Buffer): Buffer {
	const parts: Buffer[] = [];
	let at = 0;
	let isDone = false;
	while (at + 8 <= file.length) {
		const size = file.readUInt32BE(at) || file.length - at;
		const name = file.toString('latin1', at + 4, at + 8);
		let body = file.subarray(at + 8, at + size);
		if (!isDone && name === type) {
			body = content;
			isDone = true;
		} else if (!isDone && CONTAINERS.includes(name)) {
			const changed = replaceBox(body, type, content);
			isDone = !changed.equals(body);
			body = changed;
		}
		parts.push(box(name, body));
		at += size;
	}
	return Buffer.concat(parts);
}

function box(type: string, body: Buffer): Buffer {
	const head = Buffer.alloc(8);
	head.writeUInt32BE(8 + body.length);
	head.write(type, 4, 'latin1');
	return Buffer.concat([head, body]);
}

function numbers(...values: readonly number[]): Buffer {
	const bytes = Buffer.alloc(values.length * 4);
	for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4);
	return bytes;
}

/**
 * An MP4 whose media are said to be in another file: by a URL (ISO 14496-12, 8.7.2), or by an alias as QuickTime has them.
 *
 * @param mp4 - with its tables behind its media, so that no offset changes.
 */
export function elsewhere(mp4: Buffer, kind: 'url ' | 'alis', target: string): Buffer {
	const reference = kind === 'url ' ? Buffer.from(`${target}\0`, 'latin1') : alias(target);
	const entry = box(kind, Buffer.concat([numbers(0), reference]));
	return replaceBox(mp4, 'dref', Buffer.concat([numbers(0, 1), entry]));
}

/** An alias record with an absolute path, in the layout that ffmpeg's demuxer reads (libavformat/mov.c, `mov_read_dref`). */
function alias(path: string): Buffer {
	const name = Buffer.from(path, 'latin1');
	const fixed = Buffer.alloc(150);
	fixed[10] = 1;
	fixed[38 + 12] = Math.min(63, name.length);
	name.copy(fixed, 38 + 13, 0, 63);
	const record = Buffer.alloc(4);
	record.writeInt16BE(2, 0);
	record.writeUInt16BE(name.length, 2);
	const padding = Buffer.alloc(name.length % 2);
	return Buffer.concat([fixed, record, name, padding, Buffer.from('ffff0000', 'hex')]);
}

/** Claims so many frames, all of one size, in tables of a few bytes. */
export function endlessTables(mp4: Buffer, frames: number): Buffer {
	const tables: readonly (readonly [string, Buffer])[] = [
		['stts', numbers(0, 1, frames, 1)],
		['stsz', numbers(0, 1, frames)],
		['stsc', numbers(0, 1, 1, frames, 1)],
	];
	return tables.reduce((file, [type, content]) => replaceBox(file, type, content), mp4);
}

/** An AVI whose headers claim so many pixels a side. */
export function hugeAvi(avi: Buffer, side: number): Buffer {
	const changed = Buffer.from(avi);
	const main = changed.indexOf('avih');
	changed.writeUInt32LE(side, main + 8 + 32);
	changed.writeUInt32LE(side, main + 8 + 36);
	const format = changed.indexOf('strf');
	changed.writeInt32LE(side, format + 8 + 4);
	changed.writeInt32LE(side, format + 8 + 8);
	return changed;
}

/** An AVI whose headers claim 10^9 frames. */
export function longAvi(avi: Buffer): Buffer {
	const changed = Buffer.from(avi);
	changed.writeUInt32LE(1e9, changed.indexOf('avih') + 24);
	changed.writeUInt32LE(1e9, changed.indexOf('strh') + 40);
	return changed;
}

/** An element of a Matroska file (RFC 8794): id, length in eight bytes, data. */
function element(id: string, data: Buffer): Buffer {
	const length = Buffer.alloc(8);
	length.writeBigUInt64BE((1n << 56n) + BigInt(data.length));
	return Buffer.concat([Buffer.from(id, 'hex'), length, data]);
}

/**
 * Puts attachments (RFC 9559, 5.1.6) into a Matroska file.
 *
 * @param mkv - a live one, whose segment has no length.
 */
export function withAttachments(mkv: Buffer, count: number): Buffer {
	const file = (index: number) => {
		const uid = Buffer.alloc(4);
		uid.writeUInt32BE(index + 1);
		return element(
			'61a7',
			Buffer.concat([
				element('466e', Buffer.from(`font-${index}.ttf`)),
				element('4660', Buffer.from('application/x-truetype-font')),
				element('465c', Buffer.alloc(16)),
				element('46ae', uid),
			]),
		);
	};
	const cluster = mkv.indexOf('1f43b675', 'hex');
	const attachments = element(
		'1941a469',
		Buffer.concat(Array.from({ length: count }, (_, index) => file(index))),
	);
	return Buffer.concat([mkv.subarray(0, cluster), attachments, mkv.subarray(cluster)]);
}
