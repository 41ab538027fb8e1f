export type Fetch = (request: Request) => Promise<Response>;

export interface RetryOptions {
	/** Further attempts at a request; 0 for none. */
	readonly maxRetries: number;
}

/** Longest wait that is kept to; who is told to come back later than this is told so by the answer itself. */
const MAX_WAIT_MS = 120_000;
const FIRST_BACKOFF_MS = 250;
/** These change nothing when they are done twice. */
const REPEATABLE = new Set(['GET', 'HEAD', 'PUT', 'DELETE']);

/**
 * A fetch that waits and tries again when the service says so (429 and 503 with `Retry-After`), and when a connection
 * breaks during a request that may be repeated: one of a method that changes nothing twice, or with an `Idempotency-Key`.
 */
export function retryingFetch(fetch: Fetch, { maxRetries }: RetryOptions): Fetch {
	return async (request) => {
		for (let attempt = 0; ; attempt += 1) {
			const isLast = attempt >= maxRetries;
			// A body can be sent once; the copy leaves one for the next attempt.
			const response = await attemptFetch(fetch, isLast ? request : request.clone(), !isLast);
			const waitMs = response instanceof Response ? retryAfterMs(response) : FIRST_BACKOFF_MS * 2 ** attempt;
			if (response instanceof Response && (isLast || waitMs === undefined)) return response;
			if (response instanceof Response) await response.body?.cancel();
			await delay(waitMs ?? 0, request.signal);
		}
	};
}

/** @returns undefined when the connection broke and the request may be repeated. */
async function attemptFetch(
	fetch: Fetch,
	request: Request,
	mayRetry: boolean,
): Promise<Response | undefined> {
	try {
		return await fetch(request);
	} catch (error) {
		const isRepeatable = REPEATABLE.has(request.method) || request.headers.has('idempotency-key');
		if (!mayRetry || !isRepeatable || request.signal.aborted) throw error;
		return undefined;
	}
}

/** How long to wait before the next attempt; undefined when there should be none. */
function retryAfterMs({ status, headers }: Response): number | undefined {
	const header = headers.get('retry-after');
	if ((status !== 429 && status !== 503) || header === null) return undefined;
	const ms = /^\d+$/.test(header) ? Number(header) * 1000 : Date.parse(header) - Date.now();
	return ms <= MAX_WAIT_MS ? Math.max(0, ms) : undefined;
}

/** @throws the signal's reason. */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
	signal?.throwIfAborted();
	await new Promise<void>((resolve, reject) => {
		const stop = () => {
			clearTimeout(timer);
			reject(signal?.reason);
		};
		const timer = setTimeout(() => {
			signal?.removeEventListener('abort', stop);
			resolve();
		}, ms);
		signal?.addEventListener('abort', stop, { once: true });
	});
}
