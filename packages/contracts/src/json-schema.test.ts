import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { toJsonSchema } from './json-schema.ts';

const refBase = '#/components/schemas/';
const point = z.object({ x: z.int(), at: z.iso.datetime() }).meta({ id: 'TestPoint' });
const line = z.strictObject({ from: point, label: z.string().default('none') }).meta({ id: 'TestLine' });

describe('toJsonSchema', () => {
	it('refers to schemas with a name, and gives them beside', () => {
		expect(toJsonSchema(z.array(line), { io: 'input', refBase })).toEqual({
			schema: { type: 'array', items: { $ref: '#/components/schemas/TestLine' } },
			named: {
				TestLine: {
					type: 'object',
					properties: {
						from: { $ref: '#/components/schemas/TestPoint' },
						label: { type: 'string', default: 'none' },
					},
					required: ['from'],
					additionalProperties: false,
				},
				TestPoint: {
					type: 'object',
					properties: { x: { type: 'integer' }, at: { type: 'string', format: 'date-time' } },
					required: ['x', 'at'],
				},
			},
		});
	});

	it('leaves what clients receive open for later fields', () => {
		const { named } = toJsonSchema(line, { io: 'output', refBase });
		expect(named.TestLine).toMatchObject({ required: ['from', 'label'] });
		expect(JSON.stringify(named)).not.toContain('additionalProperties');
	});
});
