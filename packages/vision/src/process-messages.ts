import type { Logger } from '@facet/contracts';
import type { TaskOutcome } from './task-outcome.ts';

/** What an `InferenceProcess` and its child say to each other, by structured cloning. */

export type MessageToChild<Task> =
	| {
			readonly kind: 'start';
			readonly threads: number;
			/** For the threads' loader. */
			readonly workerData: unknown;
	  }
	| RunMessage<Task>
	/** To end; nothing runs. */
	| { readonly kind: 'close' };

export interface RunMessage<Task> {
	readonly kind: 'run';
	readonly id: number;
	readonly task: Task;
	/** See `RunOptions`. */
	readonly weight: number;
	readonly isUrgent: boolean;
}

export type MessageToParent<Result> =
	| { readonly kind: 'started'; readonly outcome: TaskOutcome<undefined>; readonly rssBytes: number }
	| {
			readonly kind: 'done';
			/** In the order in which they ended. */
			readonly results: readonly TaskEnd<Result>[];
			/** Resident memory of the child. */
			readonly rssBytes: number;
	  }
	| {
			readonly kind: 'log';
			readonly level: keyof Logger;
			readonly fields: object;
			readonly message: string;
	  };

export interface TaskEnd<Result> {
	readonly id: number;
	readonly outcome: TaskOutcome<Result>;
}
