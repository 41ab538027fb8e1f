import { describe, expect, it } from 'vitest';
import { redirectedUrl } from './redirected-url.ts';

describe('redirectedUrl', () => {
	const from = new URL('https://media.example/a/photo?token=1');

	it.each([
		['/b', 'https://media.example/b'],
		['b#part', 'https://media.example/a/b#part'],
		['//cdn.example/b', 'https://cdn.example/b'],
		['https://cdn.example/b', 'https://cdn.example/b'],
	])('%s: %s', (location, expected) => {
		expect(redirectedUrl(location, from).href).toBe(expected);
	});

	it('goes from http to https', () => {
		expect(redirectedUrl('https://a.example/', new URL('http://a.example/')).href).toBe('https://a.example/');
	});

	it.each([
		'file:///etc/passwd',
		'data:image/png;base64,AAAA',
		'ftp://a.example/photo',
		'gopher://a.example/1',
		'unix:/var/run/docker.sock',
		'blob:https://a.example/1',
		'javascript:0',
		'http://[',
		'http://media.example/a/photo',
	])('refuses %s', (location) => {
		expect(() => redirectedUrl(location, from)).toThrow(/url_blocked/);
	});
});
