import { type ChildProcessByStdio, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import { z } from 'zod';

const run = promisify(execFile);
/** Not part of the workspaces: they are ten times as large as everything else that is installed here. */
const PEERS = resolve('test/bench/peers');
const YUNET = 'yunet_n_dynamic.onnx';

/** A picture as a file of RGB pixels, row by row. */
export interface RawPhoto {
	readonly path: string;
	readonly width: number;
	readonly height: number;
}

const readySchema = z.union([
	z.object({ name: z.string(), version: z.string() }),
	z.object({ missing: z.string() }),
]);
const lookSchema = z.object({ ms: z.number(), faces: z.int() });

type PeerProcess = ChildProcessByStdio<Writable, Readable, null>;

/** Another detector in a process of its own, which is told photos by lines of JSON and answers by lines of JSON. */
export class Peer {
	readonly name: string;
	readonly version: string;
	readonly #child: PeerProcess;
	readonly #lines: Interface;

	constructor(
		facts: { readonly name: string; readonly version: string },
		child: PeerProcess,
		lines: Interface,
	) {
		this.name = facts.name;
		this.version = facts.version;
		this.#child = child;
		this.#lines = lines;
	}

	/** Finds the faces of a photo; how long that took by its own clock. */
	async look(photo: RawPhoto): Promise<z.infer<typeof lookSchema>> {
		this.#child.stdin.write(`${JSON.stringify(photo)}\n`);
		return lookSchema.parse(JSON.parse(await nextLine(this.#lines, this.#child)));
	}

	async stop(): Promise<void> {
		const exited = once(this.#child, 'exit');
		this.#child.stdin.end();
		await exited;
	}
}

/** Starts the peers that can be had, and says why the others cannot. */
export async function startPeers(options: {
	readonly modelsDir: string;
	/** Whether npm may fetch them; without it, only what is there already is measured. */
	readonly mayInstall: boolean;
}): Promise<{ peers: Peer[]; missing: string[] }> {
	const peers: Peer[] = [];
	const missing: string[] = [];
	const add = async (name: string, command: string, args: readonly string[]) => {
		const started = await start(command, args).catch((error: Error) => ({ missing: error.message }));
		if (started instanceof Peer) peers.push(started);
		else missing.push(`${name} is not measured: ${started.missing}.`);
	};
	const fault = await install(options.mayInstall);
	if (fault !== undefined) missing.push(`face-api and human are not measured: ${fault}.`);
	else {
		await add('face-api', process.execPath, [join(PEERS, 'face-api.mjs')]);
		await add('human', process.execPath, [join(PEERS, 'human.mjs')]);
	}
	const yunet = process.env.YUNET_MODEL ?? join(options.modelsDir, YUNET);
	await add('OpenCV', process.env.PYTHON ?? 'python3', [join(PEERS, 'opencv.py'), yunet]);
	return { peers, missing };
}

/** @returns what was in the way. */
async function install(mayInstall: boolean): Promise<string | undefined> {
	if (existsSync(join(PEERS, 'node_modules', '.package-lock.json'))) return undefined;
	if (!mayInstall) return 'they are not installed (`npm ci --ignore-scripts --prefix test/bench/peers`)';
	try {
		await run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: PEERS });
		return undefined;
	} catch {
		return 'npm could not install them';
	}
}

async function start(command: string, args: readonly string[]): Promise<Peer | { missing: string }> {
	const child = spawn(command, args, { stdio: ['pipe', 'pipe', 'ignore'], cwd: PEERS });
	const lines = createInterface({ input: child.stdout });
	const facts = readySchema.parse(JSON.parse(await nextLine(lines, child)));
	return 'missing' in facts ? facts : new Peer(facts, child, lines);
}

/** The next line that is JSON: some libraries greet. */
async function nextLine(lines: Interface, child: PeerProcess): Promise<string> {
	const ended = new AbortController();
	const { signal } = ended;
	try {
		return await Promise.race([
			once(child, 'error', { signal }).then(([error]) => {
				throw error;
			}),
			once(lines, 'close', { signal }).then(() => {
				throw new Error(`${child.spawnfile} ended`);
			}),
			(async () => {
				for (;;) {
					const [line] = await once(lines, 'line', { signal });
					if (typeof line === 'string' && line.startsWith('{')) return line;
				}
			})(),
		]);
	} finally {
		ended.abort();
	}
}
