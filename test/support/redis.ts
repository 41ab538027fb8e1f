import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { GenericContainer, getContainerRuntimeClient } from 'testcontainers';
import { freePort } from './free-port.ts';

export interface RedisServer {
	readonly url: string;
	stop(): Promise<void>;
}

/** A server of a test's own, which it may take down and bring up again with its data. */
export interface OwnRedis extends RedisServer {
	down(): Promise<void>;
	up(): Promise<void>;
}

const DURABLE = ['--appendonly', 'yes', '--appendfsync', 'always', '--save', ''];

/** The Redis for all tests: `REDIS_URL`, else a container where an engine runs, else a spawned `redis-server`. */
export async function startRedis(): Promise<RedisServer> {
	if (process.env.REDIS_URL) return { url: process.env.REDIS_URL, stop: async () => {} };
	return startOwnRedis();
}

/** A Redis that the caller may take down: a container where an engine runs, else a spawned `redis-server`. */
export async function startOwnRedis(): Promise<OwnRedis> {
	const hasEngine = await getContainerRuntimeClient().then(
		() => true,
		() => false,
	);
	return hasEngine ? startContainer() : startProcess();
}

async function startContainer(): Promise<OwnRedis> {
	const port = await freePort();
	const container = await new GenericContainer('redis:7-alpine')
		.withCommand(['redis-server', ...DURABLE])
		.withExposedPorts({ container: 6379, host: port })
		.start();
	return {
		url: `redis://${container.getHost()}:${port}`,
		down: async () => {
			await container.stop({ remove: false });
		},
		up: () => container.restart(),
		stop: async () => {
			await container.stop();
		},
	};
}

async function startProcess(): Promise<OwnRedis> {
	const port = await freePort();
	const directory = await mkdtemp(join(tmpdir(), 'facet-test-redis-'));
	const url = `redis://127.0.0.1:${port}`;
	const start = async () => {
		const options = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, ...DURABLE];
		const child = spawn('redis-server', options, { stdio: 'ignore' });
		await Promise.race([
			answersPing(url),
			once(child, 'exit').then(([code]) => {
				throw new Error(`redis-server ended with ${code} at its start`);
			}),
		]);
		return child;
	};
	let server: ChildProcess | undefined = await start();
	const down = async () => {
		if (server === undefined) return;
		const exited = once(server, 'exit');
		server.kill('SIGTERM');
		await exited;
		server = undefined;
	};
	return {
		url,
		down,
		up: async () => {
			server = await start();
		},
		stop: async () => {
			await down();
			await rm(directory, { recursive: true, force: true });
		},
	};
}

/** Commands wait in ioredis until the server is there. */
async function answersPing(url: string): Promise<void> {
	const redis = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
	redis.on('error', () => {});
	await redis.ping();
	redis.disconnect();
}
