export interface ReceivedEvent {
	readonly event: string;
	readonly id: string;
	readonly data: Readonly<Record<string, unknown>>;
}

/** A stream of server-sent events as it comes in. */
export interface EventReader {
	readonly status: number;
	readonly headers: Headers;
	/** The next event; undefined at the end of the stream. */
	next(): Promise<ReceivedEvent | undefined>;
	/** The events up to the first one that is like this, that one included. */
	until(matches: (event: ReceivedEvent) => boolean): Promise<ReceivedEvent[]>;
	/** The events that are left. */
	rest(): Promise<ReceivedEvent[]>;
	/** Resolves at the next comment. */
	comment(): Promise<void>;
	/** Cuts the connection. */
	cut(): void;
}

/** Opens a stream of server-sent events. */
export async function openEvents(
	url: string,
	headers: Readonly<Record<string, string>>,
): Promise<EventReader> {
	const controller = new AbortController();
	const response = await fetch(url, {
		headers: { accept: 'text/event-stream', ...headers },
		signal: controller.signal,
	});
	const blocks = readBlocks(response);
	const next = async (): Promise<ReceivedEvent | undefined> => {
		for (;;) {
			const { value, done } = await blocks.next();
			if (done) return undefined;
			const event = parseEvent(value);
			if (event) return event;
		}
	};
	const until = async (matches: (event: ReceivedEvent) => boolean) => {
		const events: ReceivedEvent[] = [];
		for (;;) {
			const event = await next();
			if (event === undefined) return events;
			events.push(event);
			if (matches(event)) return events;
		}
	};
	return {
		status: response.status,
		headers: response.headers,
		next,
		until,
		rest: () => until(() => false),
		comment: async () => {
			for (;;) {
				const { value, done } = await blocks.next();
				if (done) throw new Error('the stream ended without a comment');
				if (value.startsWith(':')) return;
			}
		},
		cut: () => controller.abort(),
	};
}

async function* readBlocks(response: Response): AsyncGenerator<string, undefined> {
	let text = '';
	for await (const chunk of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
		const blocks = (text + chunk).split('\n\n');
		text = blocks.pop() ?? '';
		yield* blocks;
	}
	return undefined;
}

function parseEvent(block: string): ReceivedEvent | undefined {
	const fields = new Map(
		block.split('\n').map((line) => {
			const [name = '', ...value] = line.split(': ');
			return [name, value.join(': ')];
		}),
	);
	const data = fields.get('data');
	if (data === undefined) return undefined;
	return { event: fields.get('event') ?? '', id: fields.get('id') ?? '', data: JSON.parse(data) };
}
