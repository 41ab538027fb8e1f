import { Redis } from 'ioredis';

/**
 * A connection whose commands leave in one write for each turn of the event loop. Each write wakes the server, which
 * costs it and us more than most commands do; requests that come together, and steps that run side by side, share one.
 * What was sent before, what comes back and what fails stays as it is; nothing waits for anything but the end of the
 * events that are here already.
 *
 * ioredis's own `enableAutoPipelining` has one pipeline under way at a time and costs as much as it saves.
 */
export class CoalescingRedis extends Redis {
	#isCorked = false;

	override sendCommand(...args: Parameters<Redis['sendCommand']>): ReturnType<Redis['sendCommand']> {
		this.#cork();
		return super.sendCommand(...args);
	}

	#cork(): void {
		if (this.#isCorked || this.status !== 'ready') return;
		const { stream } = this;
		this.#isCorked = true;
		stream.cork();
		setImmediate(() => {
			this.#isCorked = false;
			stream.uncork();
		});
	}
}
