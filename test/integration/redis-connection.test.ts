import { connectProducer } from '@facet/queue';
import { expect, inject, it, onTestFinished } from 'vitest';
import { silentLogger } from '../support/queue-fixture.ts';

async function connect(): Promise<ReturnType<typeof connectProducer>> {
	const redis = connectProducer(inject('redisUrl'), silentLogger);
	onTestFinished(() => redis.disconnect());
	await new Promise((resolve) => redis.once('ready', resolve));
	return redis;
}

it('commands of one turn of the event loop leave in one write, each with its own answer', async () => {
	const redis = await connect();
	const answers = Promise.all([
		redis.echo('a'),
		redis.pipeline().echo('b').echo('c').exec(),
		redis.eval('return ARGV[1]', 0, 'd'),
		redis.eval('return redis.error_reply("ERR no")', 0).catch((error: unknown) => String(error)),
	]);
	expect(redis.stream.writableCorked).toBe(1);
	expect(await answers).toEqual([
		'a',
		[
			[null, 'b'],
			[null, 'c'],
		],
		'd',
		'ReplyError: ERR no',
	]);
	expect(redis.stream.writableCorked).toBe(0);
	// A turn that was begun by an answer is a turn like any other.
	expect(await redis.echo('e').then(() => redis.echo('f'))).toBe('f');
});

it('what was asked in the turn in which the connection is given up fails, and does not hang', async () => {
	const redis = await connect();
	const answer = redis.blpop('nothing-comes-here', 0);
	redis.disconnect();
	await expect(answer).rejects.toThrow(/closed/i);
});

it('a goodbye comes after what was asked before it in the same turn', async () => {
	const redis = await connect();
	const answer = redis.echo('a');
	const goodbye = redis.quit();
	expect([await answer, await goodbye]).toEqual(['a', 'OK']);
});
