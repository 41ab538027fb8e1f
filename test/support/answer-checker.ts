import { type ApiDocument, type ApiOperation, type ApiResponse, ApiSchemas } from './api-document.ts';

/** What came back for a request. */
export interface CheckedAnswer {
	readonly method: string;
	readonly path: string;
	readonly status: number;
	readonly headers: Headers;
}

/** Where the schema of a body is in the document, and how the body is read. */
export interface ExpectedBody {
	readonly kind: 'none' | 'json' | 'lines' | 'events' | 'unknown';
	/** Keys on the way to it. */
	readonly at: readonly string[];
}

/** Served beside the API, and not described. */
const OTHER_PATHS = /^\/(healthz|readyz|metrics|openapi\.json|docs(\/.*)?)$/;
/** Headers that HTTP, Node or every server of ours adds. */
const ANY_HEADERS = new Set([
	'allow',
	'cache-control',
	'connection',
	'content-length',
	'content-security-policy',
	'content-type',
	'cross-origin-resource-policy',
	'date',
	'keep-alive',
	'referrer-policy',
	'transfer-encoding',
	'x-content-type-options',
	'x-frame-options',
]);

/** Holds answers of an API against its document. */
export class AnswerChecker {
	readonly schemas: ApiSchemas;
	readonly #document: ApiDocument;
	readonly #templates: readonly { readonly template: string; readonly pattern: RegExp }[];

	constructor(document: ApiDocument) {
		this.#document = document;
		this.schemas = new ApiSchemas(document);
		this.#templates = Object.keys(document.paths).map((template) => ({
			template,
			pattern: new RegExp(`^${template.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
		}));
	}

	/**
	 * Checks the status and the headers.
	 *
	 * @returns how to check the body.
	 * @throws Error that says what is not as documented.
	 */
	checkHead(answer: CheckedAnswer): ExpectedBody {
		const found = this.#find(answer);
		if (found === undefined) return this.#undocumented(answer);
		const { operation, at } = found;
		const response = operation.responses[answer.status];
		if (response === undefined) throw mismatch(answer, `the document has no status ${answer.status}`);
		this.#checkHeaders(answer, response);
		return bodyOf(answer, response, [...at, 'responses', String(answer.status)]);
	}

	/** @throws Error that says what is not as documented. */
	checkValue(answer: CheckedAnswer, at: readonly string[], value: unknown): void {
		const faults = this.schemas.faults(at, value);
		if (faults !== undefined) throw mismatch(answer, `${faults}\n${JSON.stringify(value).slice(0, 2000)}`);
	}

	#find({ method, path }: CheckedAnswer): { operation: ApiOperation; at: string[] } | undefined {
		const template = this.#templates.find(({ pattern }) => pattern.test(path))?.template;
		if (template === undefined) return undefined;
		const name = method === 'HEAD' ? 'get' : method.toLowerCase();
		const operation = this.#document.paths[template]?.[name];
		return operation && { operation, at: ['paths', template, name] };
	}

	/** Paths and methods that there are not are refused, each in the words of its part of the API. */
	#undocumented(answer: CheckedAnswer): ExpectedBody {
		const { path, status, method } = answer;
		if (OTHER_PATHS.test(path) || (path.startsWith('/files/') && status < 400)) {
			return { kind: 'unknown', at: [] };
		}
		if (status < 400) throw mismatch(answer, 'the document has no such operation');
		if (method === 'HEAD') return { kind: 'none', at: [] };
		const isProblem = path.startsWith('/v1/') || path.startsWith('/files/');
		return { kind: 'json', at: ['components', 'schemas', isProblem ? 'Problem' : 'DetectFacesError'] };
	}

	#checkHeaders(answer: CheckedAnswer, response: ApiResponse): void {
		const documented = new Map(
			Object.keys(response.headers ?? {}).map((name) => [
				name.toLowerCase(),
				this.#document.components.headers[name],
			]),
		);
		for (const [name, header] of documented) {
			const value = answer.headers.get(name);
			if (value === null) {
				if (header?.required) throw mismatch(answer, `the header ${name} is missing`);
			} else if (header?.schema.type === 'integer' && !/^\d+$/.test(value)) {
				throw mismatch(answer, `the header ${name} is ${value}, expected an integer`);
			}
		}
		for (const name of answer.headers.keys()) {
			if (!ANY_HEADERS.has(name) && !documented.has(name)) {
				throw mismatch(answer, `the document has no header ${name}`);
			}
		}
	}
}

function bodyOf(answer: CheckedAnswer, { content }: ApiResponse, at: readonly string[]): ExpectedBody {
	if (content === undefined || answer.method === 'HEAD') return { kind: 'none', at };
	const type = answer.headers.get('content-type')?.split(';', 1)[0]?.trim() ?? 'none';
	if (!(type in content)) throw mismatch(answer, `the document has no content of type ${type}`);
	const media = [...at, 'content', type];
	if (type === 'text/event-stream') return { kind: 'events', at: [...media, 'x-event-schemas'] };
	if (type === 'application/x-ndjson') return { kind: 'lines', at: [...media, 'x-item-schema'] };
	return { kind: 'json', at: [...media, 'schema'] };
}

function mismatch({ method, path, status }: CheckedAnswer, what: string): Error {
	return new Error(`${method} ${path} answered ${status}, which is not as documented: ${what}`);
}
