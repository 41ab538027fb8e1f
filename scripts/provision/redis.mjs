import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../process/is-alive.mjs';
import { startService } from '../process/service.mjs';
import { atShutdown } from '../process/shutdown.mjs';
import { findProgram } from './find-program.mjs';
import { freePort } from './free-port.mjs';

// Reading back a large append-only file takes a while.
const READY_TIMEOUT_MS = 60_000;

/**
 * A Redis for this process: the one of REDIS_URL, else a redis-server of its own, else one in Docker; with the
 * settings that a job queue needs (nothing evicted, written down every second).
 *
 * @param {{ dataDir?: string, logFile: string }} options `dataDir`: where its data stay; without it they are
 *   thrown away at the end.
 * @returns {Promise<{ url: string, how: string, died: Promise<never> }>} It is stopped when this process ends.
 */
export async function startRedis({ dataDir, logFile }) {
	if (process.env.REDIS_URL) {
		return { url: process.env.REDIS_URL, how: 'the one of REDIS_URL', died: new Promise(() => {}) };
	}
	const port = await freePort(0);
	const local = findProgram('redis-server');
	const service = local
		? startService({
				name: 'Redis',
				command: local,
				args: [...SETTINGS, '--bind', '127.0.0.1', '--port', `${port}`, ...placeOf(dataDir)],
				logFile,
			})
		: startService({
				name: 'Redis',
				command: 'docker',
				args: ['run', '--rm', '-p', `127.0.0.1:${port}:6379`, 'redis:7-alpine', 'redis-server', ...SETTINGS],
				logFile,
			});
	await service.waitUntil(() => ping(port), READY_TIMEOUT_MS);
	return {
		url: `redis://127.0.0.1:${port}`,
		how: local ? `port ${port}` : `in Docker, port ${port}`,
		died: service.died,
	};
}

const SETTINGS = [
	...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
	...['--maxmemory-policy', 'noeviction'],
];

/** @param {string | undefined} dataDir */
function placeOf(dataDir) {
	const dir = dataDir && !isInUse(dataDir) ? dataDir : temporaryDir();
	mkdirSync(dir, { recursive: true });
	return ['--dir', dir, '--pidfile', join(dir, PID_FILE)];
}

const PID_FILE = 'redis.pid';

/**
 * Two servers on one append-only file would ruin it.
 *
 * @param {string} dataDir
 */
function isInUse(dataDir) {
	try {
		return isAlive(Number(readFileSync(join(dataDir, PID_FILE), 'utf8')));
	} catch {
		return false;
	}
}

function temporaryDir() {
	const dir = mkdtempSync(join(tmpdir(), 'facet-redis-'));
	atShutdown(async () => rmSync(dir, { recursive: true, force: true }));
	return dir;
}

/**
 * Asks for a PING over a plain socket: there is no client library yet at this point.
 *
 * @param {number} port
 * @returns {Promise<boolean>} False while it still loads its data.
 */
function ping(port) {
	return new Promise((resolve, reject) => {
		const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
		socket.setTimeout(1000, () => socket.destroy(new Error('no answer to PING')));
		socket.once('error', reject);
		socket.once('data', (answer) => {
			resolve(answer.toString().startsWith('+PONG'));
			socket.destroy();
		});
		socket.once('close', () => resolve(false));
	});
}
