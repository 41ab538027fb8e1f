import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { default as ajvFormats } from 'ajv-formats';

/** What of an OpenAPI document the checks look at; the document as a whole is validated by a test. */
export interface ApiDocument {
	readonly openapi: string;
	readonly paths: Readonly<Record<string, Readonly<Record<string, ApiOperation>>>>;
	readonly webhooks: Readonly<Record<string, unknown>>;
	readonly components: {
		readonly schemas: Readonly<Record<string, unknown>>;
		readonly headers: Readonly<Record<string, ApiHeader>>;
	};
}

interface ApiHeader {
	readonly required?: boolean;
	readonly schema: { readonly type: string };
}

export interface ApiOperation {
	readonly operationId: string;
	readonly responses: Readonly<Record<string, ApiResponse>>;
}

export interface ApiResponse {
	readonly headers?: Readonly<Record<string, unknown>>;
	readonly content?: Readonly<Record<string, unknown>>;
}

const DOCUMENT_ID = 'urn:facet:openapi';

/** Judges values by the schemas of a document, more strictly than clients should: fields it does not have are faults. */
export class ApiSchemas {
	readonly #ajv: Ajv2020;
	readonly #validators = new Map<string, ValidateFunction>();

	constructor(document: ApiDocument) {
		this.#ajv = new Ajv2020({ strict: false, validateSchema: false, allErrors: true });
		// The module is CommonJS: its function is a property of what an import of it gives.
		ajvFormats.default(this.#ajv);
		this.#ajv.addSchema({ ...asObject(closed(document)), $id: DOCUMENT_ID });
	}

	/**
	 * What is wrong with a value; undefined when nothing is.
	 *
	 * @param path - keys on the way to the schema in the document.
	 */
	faults(path: readonly string[], value: unknown): string | undefined {
		const pointer = path.map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1')).join('/');
		const validate = this.#validators.get(pointer) ?? this.#compile(pointer);
		return validate(value) ? undefined : this.#ajv.errorsText(validate.errors, { dataVar: 'body' });
	}

	/** Compiled when first asked for: a test file asks for few. */
	#compile(pointer: string): ValidateFunction {
		const validate = this.#ajv.compile({ $ref: `${DOCUMENT_ID}#/${encodeURI(pointer)}` });
		this.#validators.set(pointer, validate);
		return validate;
	}
}

/** The document with every object limited to the properties that it lists. */
function closed(value: unknown): unknown {
	if (Array.isArray(value)) return value.map(closed);
	if (typeof value !== 'object' || value === null) return value;
	const copy: Record<string, unknown> = {};
	for (const [key, part] of Object.entries(value)) copy[key] = closed(part);
	if (copy.type === 'object' && copy.properties !== undefined && copy.additionalProperties === undefined) {
		copy.additionalProperties = false;
	}
	return copy;
}

function asObject(value: unknown): object {
	if (typeof value !== 'object' || value === null) throw new Error('expected an object');
	return value;
}
