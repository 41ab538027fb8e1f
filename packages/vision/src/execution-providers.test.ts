import { describe, expect, test } from 'vitest';
import { chooseProviders } from './execution-providers.ts';

describe('chooseProviders', () => {
	test('keeps the order, with the processor last', () => {
		expect(chooseProviders(['cuda', 'cpu', 'coreml', 'cuda'], ['cpu', 'coreml', 'cuda'])).toEqual({
			providers: ['cuda', 'coreml', 'cpu'],
			missing: [],
		});
	});

	test('names what the runtime does not have', () => {
		expect(chooseProviders(['openvino', 'cuda'], ['cpu', 'cuda'])).toEqual({
			providers: ['cuda', 'cpu'],
			missing: ['openvino'],
		});
	});

	test('is the processor when nothing is asked for', () => {
		expect(chooseProviders([], ['cpu', 'cuda'])).toEqual({ providers: ['cpu'], missing: [] });
	});
});
