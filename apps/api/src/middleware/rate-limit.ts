import { AppError } from '@facet/contracts';
import { type connectProducer, redisKeys } from '@facet/queue';
import type { RequestHandler, Response } from 'express';
import { RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import { callerOf } from './caller.ts';
import { contextOf } from './request-context.ts';

export interface RateLimitOptions {
	readonly redis: ReturnType<typeof connectProducer>;
	readonly prefix: string;
	/** For callers without a limit of their own; 0 for none. */
	readonly requestsPerMinute: number;
}

const WINDOW_SECONDS = 60;

/**
 * Counts each caller's requests, over a minute from the first one, and refuses what goes beyond its limit. All processes
 * count together. While Redis is away nobody is refused here: what needs it answers for itself.
 */
export function rateLimit({ redis, prefix, requestsPerMinute }: RateLimitOptions): RequestHandler {
	// One for each limit that there is among the callers; they share the counters.
	const limiters = new Map<number, RateLimiterRedis>();
	const limiterOf = (limit: number): RateLimiterRedis => {
		const known = limiters.get(limit);
		if (known) return known;
		const limiter = new RateLimiterRedis({
			storeClient: redis,
			rejectIfRedisNotReady: true,
			keyPrefix: redisKeys(prefix).rates,
			points: limit,
			duration: WINDOW_SECONDS,
			// Who goes on beyond the limit costs Redis nothing.
			inMemoryBlockOnConsumed: limit + 1,
		});
		limiters.set(limit, limiter);
		return limiter;
	};

	return async (request, response, next) => {
		const caller = callerOf(request);
		const limit = caller.rateLimitPerMinute ?? requestsPerMinute;
		if (limit === 0) return next();
		const { state, isRefused, error } = await consume(limiterOf(limit), caller.id);
		if (state === undefined) {
			contextOf(request).logger.debug({ err: error }, 'rate limit: not counted');
			return next();
		}
		const resetSeconds = Math.max(1, Math.ceil(state.msBeforeNext / 1000));
		setRateLimitHeaders(response, { limit, remaining: state.remainingPoints, resetSeconds });
		if (!isRefused) return next();
		throw new AppError('rate_limited', {
			detail: `expected at most ${limit} requests a minute`,
			retryAfterSeconds: resetSeconds,
		});
	};
}

interface Consumed {
	/** Undefined when it could not be counted. */
	readonly state?: RateLimiterRes;
	readonly isRefused: boolean;
	readonly error?: unknown;
}

/** The library throws its answer when the limit is exceeded. */
async function consume(limiter: RateLimiterRedis, callerId: string): Promise<Consumed> {
	try {
		return { state: await limiter.consume(callerId), isRefused: false };
	} catch (thrown) {
		if (thrown instanceof RateLimiterRes) return { state: thrown, isRefused: true };
		return { isRefused: false, error: thrown };
	}
}

interface RateLimitState {
	readonly limit: number;
	readonly remaining: number;
	readonly resetSeconds: number;
}

/** The fields of draft-ietf-httpapi-ratelimit-headers-06, the last draft that has them apart; clients know these. */
function setRateLimitHeaders(response: Response, { limit, remaining, resetSeconds }: RateLimitState): void {
	response.setHeader('RateLimit-Limit', limit);
	response.setHeader('RateLimit-Remaining', remaining);
	response.setHeader('RateLimit-Reset', resetSeconds);
	response.setHeader('RateLimit-Policy', `${limit};w=${WINDOW_SECONDS}`);
}
