import { expect, it } from 'vitest';
import { parsePrefer, preferenceApplied } from './prefer.ts';

it.each([
	[undefined, false, undefined],
	['', false, undefined],
	['respond-async', true, undefined],
	['Respond-Async', true, undefined],
	['wait=10', false, 10],
	['wait = "10"', false, 10],
	['respond-async, wait=10', true, 10],
	['return=minimal; foo="a, wait=3", wait=5;x', false, 5],
	['wait=1, wait=2', false, 1],
	['wait=soon', false, undefined],
	['wait=-1', false, undefined],
	['wait', false, undefined],
	[',,;=', false, undefined],
])('%j', (header, respondAsync, waitSeconds) => {
	expect(parsePrefer(header)).toEqual({ respondAsync, waitSeconds });
});

it('says what was applied', () => {
	expect(preferenceApplied({ respondAsync: true, waitSeconds: 0 })).toBe('respond-async, wait=0');
	expect(preferenceApplied({ respondAsync: false, waitSeconds: undefined })).toBeUndefined();
});
