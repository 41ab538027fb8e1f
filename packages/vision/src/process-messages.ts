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
	| { readonly kind: 'run'; readonly id: number; readonly task: Task }
	/** To end; nothing runs. */
	| { readonly kind: 'close' };

export type MessageToParent<Result> =
	| { readonly kind: 'started'; readonly outcome: TaskOutcome<undefined>; readonly rssBytes: number }
	| {
			readonly kind: 'done';
			readonly id: number;
			readonly outcome: TaskOutcome<Result>;
			/** Resident memory of the child. */
			readonly rssBytes: number;
	  }
	| {
			readonly kind: 'log';
			readonly level: keyof Logger;
			readonly fields: object;
			readonly message: string;
	  };
