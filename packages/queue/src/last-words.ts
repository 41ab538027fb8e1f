/** How long Redis may take over a goodbye, in milliseconds. */
export const LAST_WORDS_MS = 2000;

/**
 * Waits for a connection to be closed, but not for ever: ioredis cannot end one that is waiting to reconnect, and BullMQ
 * waits for that end.
 *
 * @returns whether it was closed in time.
 */
export async function closedWithin(closing: Promise<unknown>, timeoutMs: number): Promise<boolean> {
	let timer: NodeJS.Timeout | undefined;
	const timeout = new Promise<false>((resolve) => {
		timer = setTimeout(() => resolve(false), timeoutMs);
	});
	try {
		return await Promise.race([closing.then(() => true), timeout]);
	} finally {
		clearTimeout(timer);
	}
}
