import { AnswerChecker, type CheckedAnswer, type ExpectedBody } from './answer-checker.ts';
import type { ApiDocument } from './api-document.ts';

/**
 * Holds every answer that a test gets by `fetch` from an API under test against the document that this API serves: one
 * that is not as documented fails the call, and the stop of the API too, in case the test expected a failure.
 */

const plainFetch = globalThis.fetch;
const origins = new Set<string>();
const faults: string[] = [];
let checker: AnswerChecker | undefined;

/** From now on the answers of this API are checked. The document is the same for all of one build. */
export async function checkAnswersOf(url: string): Promise<void> {
	globalThis.fetch = checkedFetch;
	origins.add(new URL(url).origin);
	if (checker !== undefined) return;
	const response = await plainFetch(`${url}/openapi.json`);
	// A test validates the document as a whole.
	checker = new AnswerChecker((await response.json()) as ApiDocument);
}

/** @throws Error with all that was not as documented until now. */
export function expectAnswersAsDocumented(): void {
	if (faults.length > 0) throw new Error(faults.splice(0).join('\n\n'));
}

/** Takes down a webhook that is not as documented. */
export function checkEvent(event: { readonly type: string }): void {
	const at = ['webhooks', event.type, 'post', 'requestBody', 'content', 'application/json', 'schema'];
	const fault = checker?.schemas.faults(at, event);
	if (fault !== undefined) faults.push(`a webhook ${event.type} is not as documented: ${fault}`);
}

async function checkedFetch(...[input, init]: Parameters<typeof fetch>): Promise<Response> {
	const response = await plainFetch(input, init);
	const { origin, pathname } = new URL(input instanceof Request ? input.url : input);
	if (checker === undefined || !origins.has(origin)) return response;
	const method = (init?.method ?? (input instanceof Request ? input.method : 'GET')).toUpperCase();
	const answer: CheckedAnswer = {
		method,
		path: pathname,
		status: response.status,
		headers: response.headers,
	};
	const body = noted(() => current().checkHead(answer));
	switch (body.kind) {
		case 'lines':
		case 'events':
			return watched(response, answer, body);
		case 'json':
		case 'none':
			await checkText(response, answer, body);
			return response;
		default:
			return response;
	}
}

async function checkText(
	response: Response,
	answer: CheckedAnswer,
	{ kind, at }: ExpectedBody,
): Promise<void> {
	// A connection that breaks is for the test to see, when it reads the body itself.
	const text = await response
		.clone()
		.text()
		.catch(() => undefined);
	if (text === undefined) return;
	noted(() => {
		if (kind === 'json') current().checkValue(answer, at, JSON.parse(text));
		else if (text !== '')
			throw new Error(`${answer.method} ${answer.path}: expected no body, received ${text}`);
	});
}

/** The response with a body that is checked piece by piece as the test reads it. */
function watched(response: Response, answer: CheckedAnswer, { kind, at }: ExpectedBody): Response {
	const separator = kind === 'lines' ? '\n' : '\n\n';
	let rest = '';
	const decoder = new TextDecoder();
	const watch = new TransformStream<Uint8Array, Uint8Array>({
		transform(chunk, controller) {
			const pieces = (rest + decoder.decode(chunk, { stream: true })).split(separator);
			rest = pieces.pop() ?? '';
			noted(() => {
				for (const piece of pieces) checkPiece(piece, kind, answer, at);
			});
			controller.enqueue(chunk);
		},
	});
	const { status, statusText, headers, url } = response;
	const copy = new Response(response.body?.pipeThrough(watch) ?? null, { status, statusText, headers });
	return Object.defineProperty(copy, 'url', { value: url });
}

/** A line of NDJSON, or a server-sent event. */
function checkPiece(
	piece: string,
	kind: ExpectedBody['kind'],
	answer: CheckedAnswer,
	at: readonly string[],
): void {
	if (kind === 'lines') {
		current().checkValue(answer, at, JSON.parse(piece));
		return;
	}
	const { data, event = 'message' } = eventFields(piece);
	if (data !== undefined) current().checkValue(answer, [...at, event], JSON.parse(data));
}

function eventFields(text: string): Partial<Record<string, string>> {
	const lines = text.split('\n').map((line) => /^(\w+):\s?(.*)$/.exec(line));
	return Object.fromEntries(lines.map((match) => [match?.[1], match?.[2]]));
}

function current(): AnswerChecker {
	if (checker === undefined) throw new Error('no document to check by');
	return checker;
}

function noted<T>(check: () => T): T {
	try {
		return check();
	} catch (error) {
		faults.push(error instanceof Error ? error.message : String(error));
		throw error;
	}
}
