import { expect, it } from 'vitest';
import { parseCancelAfter } from './cancel-after.ts';

it.each([
	['90', 90],
	['90s', 90],
	[' 5 m ', 300],
	['1h', 3600],
	['24h', 86_400],
	['5', 5],
])('%j is %i seconds', (header, seconds) => {
	expect(parseCancelAfter(header)).toBe(seconds);
});

it('may be absent', () => {
	expect(parseCancelAfter(undefined)).toBeUndefined();
});

it.each(['', '4', '4s', '25h', '1d', '-5', '1.5m', 'soon', '99999999'])('refuses %j', (header) => {
	expect(() => parseCancelAfter(header)).toThrow(/Cancel-After: expected/);
});
