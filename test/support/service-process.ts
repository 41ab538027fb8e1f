import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** This file runs from `test/support` and, in benchmarks, from `test/dist/support`. */
const isBuilt = import.meta.url.includes('/test/dist/');
const root = fileURLToPath(new URL(isBuilt ? '../../../' : '../../', import.meta.url));

/** As in the images. */
const NODE_OPTIONS = { api: [], worker: ['--single-threaded-gc'] } as const;

export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string };

/** A built process of Facet, with what it logs. */
export class ServiceProcess {
	readonly #child: ChildProcess;
	readonly #lines: LogLine[] = [];
	readonly #listeners = new Set<(line: LogLine) => void>();
	#stderr = '';

	readonly app: 'api' | 'worker';

	private constructor(app: 'api' | 'worker', child: ChildProcess) {
		this.app = app;
		this.#child = child;
		child.stderr?.on('data', (chunk: Buffer) => {
			this.#stderr += chunk.toString();
		});
		if (child.stdout === null) throw new Error('a child without stdout');
		createInterface({ input: child.stdout }).on('line', (text) => {
			const line: LogLine = text.startsWith('{') ? JSON.parse(text) : { msg: text };
			this.#lines.push(line);
			for (const listener of this.#listeners) listener(line);
		});
	}

	/**
	 * Starts `apps/<app>/dist/main.js` with nothing of this process's environment but the PATH.
	 *
	 * @param nodeOptions - besides those that it has in the images.
	 */
	static start(
		app: 'api' | 'worker',
		environment: Readonly<Record<string, string>>,
		nodeOptions: readonly string[] = [],
	): ServiceProcess {
		const options = [...NODE_OPTIONS[app], ...nodeOptions];
		const child = spawn(process.execPath, [...options, `${root}apps/${app}/dist/main.js`], {
			cwd: root,
			env: { PATH: process.env.PATH ?? '', ...environment },
			stdio: ['ignore', 'pipe', 'pipe'],
		});
		return new ServiceProcess(app, child);
	}

	get lines(): readonly LogLine[] {
		return this.#lines;
	}

	get output(): string {
		return this.#lines.map((line) => JSON.stringify(line)).join('\n') + this.#stderr;
	}

	/** The first log line, past or to come, that has this message. */
	async logged(message: string, matches: (line: LogLine) => boolean = () => true): Promise<LogLine> {
		const isIt = (line: LogLine) => line.msg === message && matches(line);
		const past = this.#lines.find(isIt);
		if (past) return past;
		return new Promise((resolve, reject) => {
			const listener = (line: LogLine) => {
				if (!isIt(line)) return;
				this.#listeners.delete(listener);
				resolve(line);
			};
			this.#listeners.add(listener);
			this.#child.once('exit', (code, signal) =>
				reject(new Error(`exited with ${code ?? signal} before it logged '${message}':\n${this.output}`)),
			);
		});
	}

	get pid(): number {
		if (this.#child.pid === undefined) throw new Error(`the ${this.app} did not start`);
		return this.#child.pid;
	}

	/** Sends a signal and does not wait for what comes of it. */
	signal(signal: NodeJS.Signals): void {
		this.#child.kill(signal);
	}

	/** Sends the signal and waits for the end; the exit code, or null when a signal ended it. */
	async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
		if (this.#child.exitCode !== null || this.#child.signalCode !== null) return this.#child.exitCode;
		const exited = once(this.#child, 'exit');
		this.#child.kill(signal);
		const [code] = await exited;
		return code;
	}

	/** Waits for the process to end by itself. */
	async exited(): Promise<number | null> {
		if (this.#child.exitCode === null) await once(this.#child, 'exit');
		return this.#child.exitCode;
	}
}
