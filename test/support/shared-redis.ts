import type { TestProject } from 'vitest/node';
import { startRedis } from './redis.ts';

declare module 'vitest' {
	interface ProvidedContext {
		redisUrl: string;
	}
}

/** One Redis for the whole run. Tests keep apart by a queue prefix each. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
	const redis = await startRedis();
	project.provide('redisUrl', redis.url);
	return () => redis.stop();
}
