import type { RunMessage, TaskEnd } from './process-messages.ts';
import { ResultGroups } from './result-groups.ts';
import { settle } from './task-outcome.ts';
import { TaskSlots } from './task-slots.ts';
import { groupSize, tasksAtOnce } from './tasks-in-hand.ts';

export interface ChildTasksOptions<Task, Result> {
	readonly threads: number;
	/** Runs a task in a thread that is free, of which there are so many. */
	readonly run: (task: Task, isLone: boolean) => Promise<Result>;
	/** To the parent. */
	readonly send: (results: readonly TaskEnd<Result>[]) => void;
}

/** The longest that a result waits for others: what a thread takes for two photos. */
const LONGEST_WAIT_MS = 50;

/**
 * The tasks that an inference process has in hand: it works on some, the next ones are there when these end.
 *
 * While there is one for each thread, results wait for each other, but for those that somebody waits for. So the parent, which
 * shares its cores with the networks, is woken less often, and finds its code in the caches for all of a group but the first
 * (ADR 13).
 */
export class ChildTasks<Task, Result> {
	readonly #options: ChildTasksOptions<Task, Result>;
	readonly #slots: TaskSlots;
	readonly #results: ResultGroups<TaskEnd<Result>>;
	#unfinished = 0;

	constructor(options: ChildTasksOptions<Task, Result>) {
		const { threads, send } = options;
		this.#options = options;
		this.#slots = new TaskSlots(tasksAtOnce(threads));
		this.#results = new ResultGroups({ size: groupSize(threads), longestWaitMs: LONGEST_WAIT_MS, send });
	}

	/** Runs a task and sends what it came to. Never rejects. */
	async run({ id, task, weight, isUrgent }: Omit<RunMessage<Task>, 'kind'>): Promise<void> {
		this.#unfinished += 1;
		const release = await this.#slots.take(undefined, { slots: weight, isUrgent });
		const isLone = this.#unfinished < this.#options.threads;
		const outcome = await settle(() => this.#options.run(task, isLone));
		release();
		this.#unfinished -= 1;
		this.#results.add({ id, outcome }, !isUrgent && this.#unfinished >= this.#options.threads);
	}
}
