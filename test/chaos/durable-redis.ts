import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { freePort } from '../support/free-port.ts';

/** A `redis-server` of a scenario's own, with an append-only file, that can be killed, filled up and demoted. */
export class DurableRedis {
	readonly port: number;
	readonly #directory: string;
	readonly #fsync: 'always' | 'everysec';
	#child: ChildProcess | undefined;
	/** For the scenario's own questions and settings; waits while the server is away. */
	readonly client: Redis;

	private constructor(port: number, directory: string, fsync: 'always' | 'everysec') {
		this.port = port;
		this.#directory = directory;
		this.#fsync = fsync;
		this.client = new Redis(this.url, {
			lazyConnect: true,
			retryStrategy: () => 20,
			maxRetriesPerRequest: null,
		});
		this.client.on('error', () => {});
	}

	/** @param fsync - when the append-only file is on the disk: before each answer, or every second. */
	static async start(fsync: 'always' | 'everysec' = 'everysec'): Promise<DurableRedis> {
		const directory = await mkdtemp(join(tmpdir(), 'facet-chaos-redis-'));
		const redis = new DurableRedis(await freePort(), directory, fsync);
		await redis.up();
		return redis;
	}

	get url(): string {
		return `redis://127.0.0.1:${this.port}`;
	}

	/** Starts the server on what it had before. */
	async up(): Promise<void> {
		const child = spawn(
			'redis-server',
			[
				...['--port', String(this.port), '--bind', '127.0.0.1', '--dir', this.#directory],
				...[
					'--appendonly',
					'yes',
					'--appendfsync',
					this.#fsync,
					'--save',
					'',
					'--repl-diskless-sync-delay',
					'0',
				],
			],
			{ stdio: 'ignore' },
		);
		this.#child = child;
		await Promise.race([
			this.client.ping(),
			once(child, 'exit').then(([code]) => Promise.reject(new Error(`redis-server ended with ${code}`))),
		]);
	}

	/** SIGKILL. */
	async kill(): Promise<void> {
		if (this.#child === undefined) return;
		const exited = once(this.#child, 'exit');
		this.#child.kill('SIGKILL');
		await exited;
		this.#child = undefined;
	}

	/** From now on it refuses to store anything, as one whose `maxmemory` is reached. */
	async fill(): Promise<void> {
		await this.client.config('SET', 'maxmemory', '1mb');
	}

	async free(): Promise<void> {
		await this.client.config('SET', 'maxmemory', '0');
	}

	async stop(): Promise<void> {
		this.client.disconnect();
		await this.kill();
		await rm(this.#directory, { recursive: true, force: true });
	}
}
