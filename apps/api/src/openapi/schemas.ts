import { isDeepStrictEqual } from 'node:util';
import { type JsonSchema, toJsonSchema } from '@facet/contracts';

type WireSchema = Parameters<typeof toJsonSchema>[0];

const REF_BASE = '#/components/schemas/';

/** Turns zod schemas into those of the document, and collects the ones with a name. */
export class Schemas {
	readonly #named = new Map<string, JsonSchema>();

	/** Of what clients send. */
	input(schema: WireSchema): JsonSchema {
		return this.#convert(schema, 'input');
	}

	/** Of what clients receive. */
	output(schema: WireSchema): JsonSchema {
		return this.#convert(schema, 'output');
	}

	/** Adds a schema that zod cannot express. */
	add(name: string, schema: JsonSchema): JsonSchema {
		const known = this.#named.get(name);
		if (known !== undefined && !isDeepStrictEqual(known, schema)) {
			throw new Error(`two schemas are named ${name}`);
		}
		this.#named.set(name, schema);
		return { $ref: REF_BASE + name };
	}

	/** The schema that a reference leads to; any other as it is. */
	resolve(schema: JsonSchema): JsonSchema {
		const { $ref } = schema;
		if ($ref === undefined) return schema;
		const named = this.#named.get($ref.slice(REF_BASE.length));
		if (named === undefined) throw new Error(`no schema for ${$ref}`);
		return named;
	}

	/** By name, in the order of their names. */
	get all(): Record<string, JsonSchema> {
		return Object.fromEntries([...this.#named].sort(([a], [b]) => (a < b ? -1 : 1)));
	}

	#convert(schema: WireSchema, io: 'input' | 'output'): JsonSchema {
		const { schema: converted, named } = toJsonSchema(schema, { io, refBase: REF_BASE });
		for (const [name, definition] of Object.entries(named)) this.add(name, definition);
		return converted;
	}
}
