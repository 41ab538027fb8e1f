import { expect, it } from 'vitest';
import { formValues } from './form-values.ts';

it('reads numbers, booleans and lists as JSON, and text as it is', () => {
	const fields = {
		num_frames: '12',
		return_face_url: 'true',
		include: '["scores","persons"]',
		tag: '123',
		webhook_url: '',
		priority: 'high',
	};
	expect(formValues(fields, new Set(['tag', 'webhook_url']))).toEqual({
		num_frames: 12,
		return_face_url: true,
		include: ['scores', 'persons'],
		tag: '123',
		priority: 'high',
	});
});

it('makes no prototype of a field', () => {
	const values = formValues(JSON.parse('{"__proto__":"{\\"admin\\":true}"}'), new Set());
	expect(Object.getPrototypeOf(values)).toBe(Object.prototype);
});
