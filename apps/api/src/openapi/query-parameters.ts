import type { JsonSchema } from '@facet/contracts';
import type { Parameter } from './openapi-types.ts';
import type { Schemas } from './schemas.ts';

/**
 * The parameters of a query, one a field of its schema.
 *
 * @param numbers - of fields that the schema knows as text, because a query is text: which numbers they take.
 */
export function queryParameters(
	schemas: Schemas,
	schema: Parameters<Schemas['input']>[0],
	numbers: Readonly<Record<string, JsonSchema>> = {},
): Parameter[] {
	const { properties = {} } = schemas.resolve(schemas.input(schema));
	return Object.entries(properties).map(([name, property]) => {
		if (typeof property === 'boolean') throw new Error(`expected a schema for ${name}`);
		const { description, ...own } = property;
		return {
			name,
			in: 'query',
			...(description !== undefined && { description }),
			schema: numbers[name] ?? own,
		};
	});
}
