import type { JsonSchema } from '@facet/contracts';

/** The parts of OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1) that our document has. */

export interface Reference {
	readonly $ref: string;
}

export interface MediaType {
	readonly schema: JsonSchema;
	readonly example?: unknown;
	readonly examples?: Readonly<Record<string, { readonly summary?: string; readonly value: unknown }>>;
	/** How the parts of a form are written. */
	readonly encoding?: Readonly<Record<string, { readonly contentType: string }>>;
	/** Of a body that is a sequence of texts in JSON: the schema of each. OpenAPI 3.2 has `itemSchema` for it. */
	readonly 'x-item-schema'?: JsonSchema;
	/** Of a stream of server-sent events: the schema of each event's `data`, by the event's name. */
	readonly 'x-event-schemas'?: Readonly<Record<string, JsonSchema>>;
}

export type Content = Readonly<Record<string, MediaType>>;

export interface Header {
	readonly description: string;
	readonly required?: boolean;
	readonly schema: JsonSchema;
}

export interface Parameter {
	readonly name: string;
	readonly in: 'path' | 'query' | 'header';
	readonly required?: boolean;
	readonly description?: string;
	readonly schema: JsonSchema;
}

export interface Response {
	readonly description: string;
	readonly headers?: Readonly<Record<string, Header | Reference>>;
	readonly content?: Content;
}

export interface Operation {
	readonly operationId: string;
	readonly summary: string;
	readonly description?: string;
	readonly tags: readonly string[];
	readonly parameters?: readonly (Parameter | Reference)[];
	readonly requestBody?: {
		readonly description?: string;
		readonly required: boolean;
		readonly content: Content;
	};
	readonly responses: Readonly<Record<string, Response>>;
	readonly security?: readonly Readonly<Record<string, readonly string[]>>[];
}

type Method = 'get' | 'post' | 'put' | 'delete';
export type PathItem = Readonly<Partial<Record<Method, Operation>>>;
export type Paths = Readonly<Record<string, PathItem>>;

export interface OpenApiDocument {
	readonly openapi: '3.1.1';
	readonly info: {
		readonly title: string;
		readonly version: string;
		readonly description: string;
		readonly license: { readonly name: string; readonly identifier: string };
	};
	readonly servers: readonly { readonly url: string }[];
	readonly tags: readonly { readonly name: string; readonly description: string }[];
	readonly security: readonly Readonly<Record<string, readonly string[]>>[];
	readonly paths: Paths;
	readonly webhooks: Paths;
	readonly components: {
		readonly schemas: Readonly<Record<string, JsonSchema>>;
		readonly headers: Readonly<Record<string, Header>>;
		readonly securitySchemes: Readonly<Record<string, Readonly<Record<string, string>>>>;
	};
}
