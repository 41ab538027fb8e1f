import type { LifecycleRule } from '@aws-sdk/client-s3';
import { expect, it } from 'vitest';
import { withExpiryRule } from './s3-lifecycle.ts';

const theirs: LifecycleRule = {
	ID: 'logs',
	Status: 'Enabled',
	Filter: { Prefix: 'logs/' },
	Expiration: { Days: 1 },
};
const ours: LifecycleRule = {
	ID: 'facet-expires',
	Status: 'Enabled',
	Filter: { Tag: { Key: 'facet-expires', Value: 'true' } },
	Expiration: { Days: 7 },
};

it('adds the rule and keeps those of others', () => {
	expect(withExpiryRule([theirs], 7)).toEqual([theirs, ours]);
});

it('changes nothing when the rule is there', () => {
	expect(withExpiryRule([ours, theirs], 7)).toBeUndefined();
});

it('replaces the rule when its age changed or when it was switched off', () => {
	expect(withExpiryRule([{ ...ours, Expiration: { Days: 3 } }, theirs], 7)).toEqual([theirs, ours]);
	expect(withExpiryRule([{ ...ours, Status: 'Disabled' }], 7)).toEqual([ours]);
});
