import type { Logger } from '@facet/contracts';
import { ChildTasks } from './child-tasks.ts';
import { InferencePool } from './inference-pool.ts';
import type { MessageToChild, MessageToParent } from './process-messages.ts';
import { settle } from './task-outcome.ts';

/**
 * The child's side of an `InferenceProcess`: a pool of threads, started and fed by the parent.
 *
 * It lives as long as its parent does and no longer. A signal to the whole process group, such as that of Ctrl-C or of a
 * supervisor that stops a unit, is for the parent, which lets running tasks finish.
 *
 * @param threadEntry - module of a thread, see `inferenceThread`.
 */
export function serveInference<Task, Result>(threadEntry: URL): void {
	for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
	// At once and whatever runs: `process.exit` would abort during a run of a network, and nobody is left to care.
	process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'));
	let pool: InferencePool<Task, Result> | undefined;
	let tasks: ChildTasks<Task, Result> | undefined;
	process.on('message', async (message: MessageToChild<Task>) => {
		switch (message.kind) {
			case 'start': {
				const { threads, workerData } = message;
				const started = new InferencePool<Task, Result>({ threadEntry, threads, workerData, logger });
				pool = started;
				tasks = new ChildTasks<Task, Result>({
					threads,
					run: (task, isLone) => started.run(task, isLone),
					send: (results) => send({ kind: 'done', results, rssBytes: process.memoryUsage.rss() }),
				});
				const outcome = await settle(async () => {
					await started.start();
					return undefined;
				});
				send({ kind: 'started', outcome, rssBytes: process.memoryUsage.rss() });
				return;
			}
			case 'run':
				if (tasks === undefined) throw new Error('Expected a start before a task');
				return tasks.run(message);
			case 'close':
				await pool?.close();
				process.exit(0);
		}
	});
}

/** One process writes the log: what there is to say goes to the parent. */
const logger: Logger = {
	debug: (fields, message) => send({ kind: 'log', level: 'debug', fields, message }),
	info: (fields, message) => send({ kind: 'log', level: 'info', fields, message }),
	warn: (fields, message) => send({ kind: 'log', level: 'warn', fields, message }),
	error: (fields, message) => send({ kind: 'log', level: 'error', fields, message }),
};

/** A parent that is gone takes no messages; 'disconnect' is what ends this process then. */
function send(message: MessageToParent<unknown>): void {
	process.send?.(message, undefined, undefined, () => {});
}
