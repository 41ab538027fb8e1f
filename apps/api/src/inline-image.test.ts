import { describe, expect, it } from 'vitest';
import { decodeInlineImage } from './inline-image.ts';

const bytes = Buffer.from([0xfb, 0xff, 0x00, 0x10, 0x20]);

describe('decodeInlineImage', () => {
	it.each([
		bytes.toString('base64'),
		bytes.toString('base64url'),
		`data:image/png;base64,${bytes.toString('base64')}`,
		`data:image/svg+xml;charset=utf-8;base64,${bytes.toString('base64')}`,
		`DATA:;BASE64,${bytes.toString('base64')}`,
		`${bytes.toString('base64').slice(0, 4)}\r\n${bytes.toString('base64').slice(4)}\n`,
	])('%j', (img) => {
		expect(decodeInlineImage(img)).toEqual(bytes);
	});

	it.each([
		'',
		' ',
		'AA*A',
		'data:image/png;base64,',
		'data:text/plain,AAAA',
		'https://example.com/a.jpg',
		'AAAA=AAA',
	])('refuses %j', (img) => {
		expect(() => decodeInlineImage(img)).toThrow(/invalid_request: img: expected/);
	});
});
