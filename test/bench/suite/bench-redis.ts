import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../../support/free-port.ts';

/** As docker-compose.yml starts it. */
const OPTIONS = '--appendonly yes --appendfsync everysec --maxmemory-policy noeviction --save'.split(' ');

/** What Redis has done until a moment. */
interface RedisWork {
	/** Seconds of its processor time. */
	readonly processorSeconds: number;
	/** Commands run, those inside scripts included. */
	readonly commands: number;
	/** Reads from its connections: a round trip each, of one command or of several that came together. */
	readonly reads: number;
}

/** A Redis server of the benchmark's own, with its accounts. */
export class BenchRedis {
	readonly url: string;
	readonly client: Redis;
	readonly stop: () => Promise<void>;

	private constructor(url: string, client: Redis, stop: () => Promise<void>) {
		this.url = url;
		this.client = client;
		this.stop = stop;
	}

	static async start(): Promise<BenchRedis> {
		const port = await freePort();
		const directory = await mkdtemp(join(tmpdir(), 'facet-bench-redis-'));
		const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', directory, ...OPTIONS, ''];
		const server = spawn('redis-server', args, { stdio: 'ignore' });
		const url = `redis://127.0.0.1:${port}`;
		const client = new Redis(url, { retryStrategy: () => 20, maxRetriesPerRequest: null });
		client.on('error', () => {});
		await Promise.race([
			client.ping(),
			once(server, 'exit').then(([code]) => {
				throw new Error(`redis-server ended with ${code} at its start`);
			}),
		]);
		return new BenchRedis(url, client, async () => {
			client.disconnect();
			const exited = once(server, 'exit');
			server.kill('SIGTERM');
			await exited;
			await rm(directory, { recursive: true, force: true });
		});
	}

	/** The server's process. */
	async pid(): Promise<number> {
		return Number(/^process_id:(\d+)/m.exec(await this.client.info('server'))?.[1]);
	}

	async usedBytes(): Promise<number> {
		return Number(/^used_memory:(\d+)/m.exec(await this.client.info('memory'))?.[1]);
	}

	/** The work that `action` causes, with that of others meanwhile. */
	async workOf(action: () => Promise<void>): Promise<RedisWork> {
		const before = await this.#work();
		await action();
		const after = await this.#work();
		return {
			processorSeconds: after.processorSeconds - before.processorSeconds,
			commands: after.commands - before.commands,
			reads: after.reads - before.reads,
		};
	}

	async #work(): Promise<RedisWork> {
		const [cpu, stats, commands] = await Promise.all([
			this.client.info('cpu'),
			this.client.info('stats'),
			this.client.info('commandstats'),
		]);
		const seconds = [...cpu.matchAll(/^used_cpu_(?:sys|user):([\d.]+)/gm)].map(([, value]) => Number(value));
		const calls = [...commands.matchAll(/:calls=(\d+)/g)].map(([, value]) => Number(value));
		return {
			processorSeconds: seconds.reduce((sum, value) => sum + value, 0),
			commands: calls.reduce((sum, value) => sum + value, 0),
			reads: Number(/^total_reads_processed:(\d+)/m.exec(stats)?.[1]),
		};
	}
}
