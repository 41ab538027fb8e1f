import { textLines } from './text-lines.ts';

export interface ServerSentEvent {
	/** Of the last event that had one. */
	readonly id: string;
	readonly type: string;
	readonly data: string;
}

/**
 * Parses a stream of server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html), comments and
 * unfinished events left out.
 */
export async function* serverSentEvents(
	body: ReadableStream<Uint8Array>,
): AsyncGenerator<ServerSentEvent, void> {
	let id = '';
	let type = '';
	let data: string[] = [];
	for await (const line of textLines(body)) {
		if (line === '') {
			if (data.length > 0) yield { id, type: type || 'message', data: data.join('\n') };
			type = '';
			data = [];
			continue;
		}
		const [, field, value = ''] = /^([^:]*)(?::\s?(.*))?$/.exec(line) ?? [];
		if (field === 'id') id = value;
		else if (field === 'event') type = value;
		else if (field === 'data') data.push(value);
	}
}
