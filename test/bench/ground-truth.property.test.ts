import { deflateSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type MatContent, matFile } from '../support/mat-writer.ts';
import { parseEllipseList } from './fddb.ts';
import { type MatValue, readMatFile } from './mat-file.ts';
import { parseWiderText } from './wider-face.ts';

fc.configureGlobal({ seed: 6, numRuns: 300 });

/** Ends in a value or an error, and not in something else that is thrown. */
function attempt<T>(read: () => T): T | undefined {
	try {
		return read();
	} catch (error) {
		if (!(error instanceof Error) || error.message.includes('call stack')) throw error;
		return undefined;
	}
}

describe('MAT-files', () => {
	const rows = fc
		.tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 5 }))
		.chain(([height, width]) => {
			const number = fc.oneof(fc.nat(65_535), fc.double({ noNaN: true, noDefaultInfinity: true }));
			const row = fc.array(number, { minLength: width, maxLength: width });
			return fc.array(row, { minLength: height, maxLength: height });
		});
	const content = fc.letrec<{ value: MatContent }>((tie) => ({
		value: fc.oneof(
			{ maxDepth: 3 },
			rows,
			fc.string({ minLength: 1 }),
			fc.record({ cells: fc.array(tie('value'), { maxLength: 4 }) }),
		),
	})).value;
	const variables = fc.dictionary(fc.stringMatching(/^[a-z_]{1,12}$/), content, { maxKeys: 3 });

	function expected(written: MatContent): MatValue {
		if (typeof written === 'string') return { kind: 'text', text: written };
		if ('cells' in written) return { kind: 'cells', cells: written.cells.map(expected) };
		const dimensions = [written.length, written[0]?.length ?? 0];
		// By columns; a whole number has no sign of its zero.
		const values = (written[0] ?? []).flatMap((_, column) => written.map((row) => row[column] ?? 0));
		return { kind: 'numbers', dimensions, values };
	}

	/** Minus zero is zero. */
	const plain = (value: unknown) => JSON.parse(JSON.stringify(value));

	it('of any variables have them, compressed or not', () => {
		fc.assert(
			fc.property(variables, fc.boolean(), (written, isCompressed) => {
				const read = readMatFile(matFile(written, isCompressed));
				expect([...read.keys()].sort()).toEqual(Object.keys(written).sort());
				for (const [name, value] of Object.entries(written)) {
					expect(plain(read.get(name))).toEqual(plain(expected(value)));
				}
			}),
		);
	});

	it('with any bytes changed, or cut off, are read or refused', () => {
		const change = fc.tuple(fc.nat(), fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255)));
		fc.assert(
			fc.property(variables, fc.array(change, { maxLength: 6 }), fc.nat(), (written, changes, cut) => {
				const file = matFile(written, false);
				for (const [at, value] of changes) {
					if (file.length > 128) file.writeUInt8(value, 128 + (at % (file.length - 128)));
				}
				attempt(() => readMatFile(file));
				attempt(() => readMatFile(file.subarray(0, cut % file.length)));
			}),
			{ numRuns: 2000 },
		);
	});

	it('of cells without end, and of more than memory holds, are refused', () => {
		let deep: MatContent = 'end';
		for (let depth = 0; depth < 500; depth += 1) deep = { cells: [deep] };
		expect(() => readMatFile(matFile({ deep }, true))).toThrow('these have no end');
		const packed = deflateSync(Buffer.alloc(300 * 1024 * 1024));
		const tag = Buffer.alloc(8);
		tag.writeUInt32LE(15, 0);
		tag.writeUInt32LE(packed.length, 4);
		expect(() => readMatFile(Buffer.concat([matFile({}, false), tag, packed]))).toThrow();
	});
});

describe('lists of faces in text', () => {
	const number = fc.integer({ min: 0, max: 5000 });
	const line = fc.oneof(
		fc.constantFrom(
			'-1',
			'-2',
			'0',
			'1',
			'3',
			'1e9',
			'99999999999',
			'x',
			'',
			'0--Parade/0_Parade.jpg',
			'1 2 3 4',
		),
		fc.string(),
	);
	const text = fc.array(line, { maxLength: 12 }).map((lines) => lines.join('\n'));

	it('of WIDER FACE are what was written', () => {
		const photo = fc.record({
			name: fc.stringMatching(/^[a-z0-9_]{1,12}$/),
			boxes: fc.array(fc.array(number, { minLength: 4, maxLength: 4 }), { maxLength: 4 }),
		});
		fc.assert(
			fc.property(fc.array(photo), (photos) => {
				const written = photos.map(({ name, boxes }) => {
					const lines = boxes.length === 0 ? ['0 0 0 0'] : boxes.map((box) => box.join(' '));
					return [`event/${name}.jpg`, boxes.length, ...lines.map((face) => `${face} 0 0 0 0 0 0`)].join(
						'\n',
					);
				});
				const read = parseWiderText(written.join('\n'));
				expect(read.map(({ name }) => name)).toEqual(photos.map(({ name }) => name));
				expect(
					read.map(({ boxes }) => boxes.map(({ x, y, width, height }) => [x, y, width, height])),
				).toEqual(photos.map(({ boxes }) => boxes));
			}),
		);
	});

	it('of FDDB are what was written', () => {
		const photo = fc.record({
			name: fc.stringMatching(/^[a-z]\w{0,12}$/),
			faces: fc.array(fc.array(number, { minLength: 5, maxLength: 5 }), { maxLength: 4 }),
		});
		fc.assert(
			fc.property(fc.array(photo), (photos) => {
				const written = photos.flatMap(({ name, faces }) => [
					name,
					String(faces.length),
					...faces.map((face) => `${face.join(' ')}  1`),
				]);
				const read = parseEllipseList(written.join('\n'));
				expect(
					read.map(({ name, faces }) => ({
						name,
						faces: faces.map(({ majorRadius, minorRadius, angle, center }) => [
							...[majorRadius, minorRadius, angle, center.x, center.y],
						]),
					})),
				).toEqual(photos);
			}),
		);
	});

	it('of any content come to an end, in photos or a refusal', () => {
		fc.assert(
			fc.property(text, (list) => {
				attempt(() => parseWiderText(list));
				attempt(() => parseEllipseList(list));
			}),
			{ numRuns: 3000 },
		);
	});
});
