import { z } from 'zod';

/** A schema in JSON Schema 2020-12, as plain data. */
export type JsonSchema = z.core.JSONSchema.JSONSchema;

export interface NamedJsonSchemas {
	/** The schema itself: a reference when it has a name. */
	readonly schema: JsonSchema;
	/** The schemas with a name (`.meta({ id })`) that it refers to, by their names. */
	readonly named: Readonly<Record<string, JsonSchema>>;
}

const DEFINITIONS = '#/$defs/';

/**
 * A schema of the wire as JSON Schema.
 *
 * @param io - `input` for what clients send. Of what they receive, `output`, unknown fields are not forbidden: later
 * versions may add some.
 * @param refBase - what references to named schemas begin with.
 */
export function toJsonSchema(
	schema: z.ZodType,
	{ io, refBase }: { readonly io: 'input' | 'output'; readonly refBase: string },
): NamedJsonSchemas {
	const converted = z.toJSONSchema(schema, {
		io,
		target: 'draft-2020-12',
		override: ({ jsonSchema }) => {
			if (io === 'output' && jsonSchema.additionalProperties === false)
				delete jsonSchema.additionalProperties;
			// The bounds of every integer and the expression for every time tell readers nothing.
			if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
			if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
			if (jsonSchema.format === 'date-time') delete jsonSchema.pattern;
		},
	});
	// Names become references after the overrides, so these are moved in the text.
	const text = JSON.stringify(converted, (key, value: unknown) =>
		key === '$ref' && typeof value === 'string' ? value.replace(DEFINITIONS, refBase) : value,
	);
	const { $schema: _dialect, $defs = {}, ...own }: JsonSchema = JSON.parse(text);
	const named = Object.entries($defs).map(([name, { id: _id, ...rest }]) => [name, rest]);
	return { schema: own, named: Object.fromEntries(named) };
}
