import type { BatchTask } from '@facet/contracts';
import type { JobProducer } from './producer.ts';

/** Tasks put themselves off when something fails; this counts runs that could not even do that. */
const ATTEMPTS = 10;

/**
 * Adds work on batches. A batch has each kind of task once, so that asking again is no harm.
 *
 * @throws AppError `queue_unavailable`.
 */
export async function addBatchTasks(producer: JobProducer, tasks: readonly BatchTask[]): Promise<void> {
	await producer.addMany(
		'batch',
		// Not the batch's own id: see `redisKeys`.
		tasks.map((task) => ({ id: `${task.kind}-${task.batchId}`, data: task })),
		{ attempts: ATTEMPTS },
	);
}
