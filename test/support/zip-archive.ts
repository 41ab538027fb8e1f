import { crc32, deflateRawSync } from 'node:zlib';

/** One file of a zip that a test makes. */
interface ZipFile {
	readonly name: string;
	readonly bytes: Buffer;
	/** Stored as it is instead of deflated. */
	readonly stored?: boolean;
	/** The length that the zip states, where it lies. */
	readonly statedBytes?: number;
}

/** A zip of some files, by APPNOTE.TXT 6.3.10: local headers with an extra field, the directory, the end record. */
export function zipArchive(files: readonly ZipFile[], comment = ''): Buffer {
	const bodies: Buffer[] = [];
	const directory: Buffer[] = [];
	let offset = 0;
	for (const { name, bytes, stored = false, statedBytes = bytes.length } of files) {
		const packed = stored ? bytes : deflateRawSync(bytes);
		const fields = Buffer.alloc(26);
		fields.writeUInt16LE(20, 0);
		fields.writeUInt16LE(stored ? 0 : 8, 4);
		fields.writeUInt32LE(crc32(bytes), 10);
		fields.writeUInt32LE(packed.length, 14);
		fields.writeUInt32LE(statedBytes, 18);
		fields.writeUInt16LE(Buffer.byteLength(name), 22);
		// The local header's extra field is not as long as the directory's, as in real archives.
		const extra = Buffer.from([0xfe, 0xca, 4, 0, 1, 2, 3, 4]);
		const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name), extra]);
		local.writeUInt16LE(extra.length, 28);
		bodies.push(local, packed);
		const place = Buffer.alloc(14);
		place.writeUInt32LE(offset, 10);
		const version = Buffer.from([20, 0]);
		directory.push(
			Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), version, fields, place, Buffer.from(name)]),
		);
		offset += local.length + packed.length;
	}
	const end = Buffer.alloc(22);
	end.write('PK\x05\x06', 'latin1');
	end.writeUInt16LE(files.length, 8);
	end.writeUInt16LE(files.length, 10);
	end.writeUInt32LE(Buffer.concat(directory).length, 12);
	end.writeUInt32LE(offset, 16);
	end.writeUInt16LE(Buffer.byteLength(comment), 20);
	return Buffer.concat([...bodies, ...directory, end, Buffer.from(comment)]);
}
