import { type ChildProcess, fork } from 'node:child_process';
import type { Logger } from '@facet/contracts';
import type { MessageToChild, MessageToParent, RunMessage } from './process-messages.ts';
import { type TaskOutcome, unwrap } from './task-outcome.ts';

export interface InferenceChildOptions {
	/** Module of the child: calls `serveInference`. */
	readonly entry: URL;
	readonly threads: number;
	/** Cloned to every thread of the child, where `inferenceThread` hands it to the loader. */
	readonly workerData: unknown;
	/** A program and its arguments that become the child, whose own command follows: `prlimit` and limits. Empty for none. */
	readonly launcher: readonly string[];
	/** All that the child sees of the environment. */
	readonly environment: Readonly<Record<string, string>>;
	readonly logger: Logger;
}

/** How a process ended. */
export interface ProcessEnd {
	readonly code: number | null;
	readonly signal: NodeJS.Signals | null;
}

/** The process ended before it was done. */
export class ProcessLostError extends Error {
	override readonly name: string = 'ProcessLostError';

	readonly end: ProcessEnd;

	constructor(end: ProcessEnd) {
		super(`the inference process ended with ${end.signal ?? end.code}`);
		this.end = end;
	}
}

interface PendingTask<Result> {
	readonly resolve: (outcome: TaskOutcome<Result>) => void;
	readonly reject: (error: ProcessLostError) => void;
}

/** A process that takes longer to close is killed. */
const CLOSE_TIMEOUT_MS = 5000;
/**
 * V8's own 16 MB of new objects fill up before they are collected, in each thread: with them the peak is some 40 MB higher. Its
 * helpers would collect on cores that networks run on. And threads may ask for that collection, when they have let go of much
 * memory that V8 does not see.
 */
const V8_OPTIONS = ['--max-semi-space-size=4', '--single-threaded-gc', '--expose-gc'];

/** Options of Node that bring a program as text, which would run in the place of the child's. */
const TEXT_OPTION = /^(-e|-p|-pe|--eval|--print|--input-type)(=|$)/;

/** One child process of an `InferenceProcess`, from its start to its end. */
export class InferenceChild<Task, Result> {
	readonly #process: ChildProcess;
	readonly #logger: Logger;
	readonly #pending = new Map<number, PendingTask<Result>>();
	/** Resolves when the process has ended and all that it had sent before is read. */
	readonly #ended: Promise<ProcessEnd>;
	#end: ProcessEnd | undefined;
	#onStarted: ((outcome: TaskOutcome<undefined>) => void) | undefined;
	#lastId = 0;
	#rssBytes = 0;

	private constructor(options: InferenceChildOptions) {
		const { entry, threads, workerData, environment, logger } = options;
		const [program = process.execPath, ...before] = [...options.launcher, process.execPath];
		this.#logger = logger;
		this.#process = fork(entry, {
			serialization: 'advanced',
			env: environment,
			execPath: program,
			execArgv: [...before, ...withoutText(process.execArgv), ...V8_OPTIONS],
			// Pipes are under no limit on the size of files, which a file that gets this process's output would be.
			stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
		});
		this.#process.stdout?.pipe(process.stdout, { end: false });
		this.#process.stderr?.pipe(process.stderr, { end: false });
		this.#process.on('message', (message: MessageToParent<Result>) => this.#receive(message));
		this.#ended = waitForEnd(this.#process, logger);
		this.#send({ kind: 'start', threads, workerData });
	}

	/**
	 * Starts a process and waits until it takes tasks.
	 *
	 * @param onLost - called when it ends afterwards, before its tasks get to know.
	 * @throws what the loader threw in a thread; ProcessLostError.
	 */
	static async start<Task, Result>(
		options: InferenceChildOptions,
		onLost: (end: ProcessEnd, tasks: number) => void,
	): Promise<InferenceChild<Task, Result>> {
		const child = new InferenceChild<Task, Result>(options);
		const started = new Promise<TaskOutcome<undefined>>((resolve) => {
			child.#onStarted = resolve;
		});
		const outcome = await Promise.race([started, child.#ended]);
		if (!('ok' in outcome)) throw new ProcessLostError(outcome);
		if (!outcome.ok) {
			child.kill();
			await child.#ended;
		}
		unwrap(outcome);
		void child.#ended.then((end) => {
			child.#end = end;
			onLost(end, child.#pending.size);
			for (const { reject } of child.#pending.values()) reject(new ProcessLostError(end));
		});
		return child;
	}

	get pid(): number | undefined {
		return this.#process.pid;
	}

	/** Resident memory, as of the end of the last task. */
	get rssBytes(): number {
		return this.#rssBytes;
	}

	/** @throws ProcessLostError. */
	run(task: Omit<RunMessage<Task>, 'kind' | 'id'>): Promise<TaskOutcome<Result>> {
		return new Promise((resolve, reject) => {
			if (this.#end !== undefined) return reject(new ProcessLostError(this.#end));
			this.#lastId += 1;
			this.#pending.set(this.#lastId, { resolve, reject });
			this.#send({ kind: 'run', id: this.#lastId, ...task });
		});
	}

	/** Ends the process with all that it does. */
	kill(): void {
		this.#process.kill('SIGKILL');
	}

	/** Ends the process, which has nothing to do. */
	async close(): Promise<void> {
		this.#send({ kind: 'close' });
		const timeout = setTimeout(() => this.kill(), CLOSE_TIMEOUT_MS);
		await this.#ended;
		clearTimeout(timeout);
	}

	#receive(message: MessageToParent<Result>): void {
		if (message.kind === 'log') {
			this.#logger[message.level](message.fields, message.message);
			return;
		}
		this.#rssBytes = message.rssBytes;
		if (message.kind === 'started') {
			this.#onStarted?.(message.outcome);
			return;
		}
		for (const { id, outcome } of message.results) {
			this.#pending.get(id)?.resolve(outcome);
			this.#pending.delete(id);
		}
	}

	/** A process that is gone takes no messages, and says so by its events. */
	#send(message: MessageToChild<Task>): void {
		this.#process.send(message, () => {});
	}
}

async function waitForEnd(child: ChildProcess, logger: Logger): Promise<ProcessEnd> {
	return new Promise((resolve) => {
		const exit = new Promise<ProcessEnd>((exited) => {
			child.once('exit', (code, signal) => exited({ code, signal }));
		});
		// The channel ends when it is read to its end; results of tasks that were done may come after 'exit'.
		child.once('disconnect', () => resolve(exit));
		child.once('error', (err) => {
			logger.error({ err }, 'the inference process could not be started');
			resolve({ code: null, signal: null });
		});
	});
}

/** Options of Node without those of a program that is text, and its text. */
function withoutText(options: readonly string[]): string[] {
	const isText = (option = '') => TEXT_OPTION.test(option);
	const isValue = (index: number) => isText(options[index - 1]) && !options[index - 1]?.includes('=');
	return options.filter((option, index) => !isText(option) && !isValue(index));
}
