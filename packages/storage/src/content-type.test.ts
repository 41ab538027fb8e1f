import { expect, it } from 'vitest';
import { contentTypeOf } from './content-type.ts';

it.each([
	['faces/1/0-0.jpg', 'image/jpeg'],
	['a.PNG', 'image/png'],
	['a.tar.mp4', 'video/mp4'],
	['inputs/a', 'application/octet-stream'],
	['a.jpg/b', 'application/octet-stream'],
	['a.html', 'application/octet-stream'],
	['a.svg', 'application/octet-stream'],
	['a.constructor', 'application/octet-stream'],
])('%s is %s', (key, type) => {
	expect(contentTypeOf(key)).toBe(type);
});
