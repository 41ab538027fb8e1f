import type { Logger } from '@facet/contracts';
import type { BatchStore, DeliveryQueue, JobControl, JobIndex, JobProducer, ResultStore } from '@facet/queue';
import type { ObjectStore } from '@facet/storage';

/** What work on batches needs. */
export interface BatchTools {
	readonly batches: BatchStore;
	readonly producer: JobProducer;
	readonly results: ResultStore;
	readonly control: JobControl;
	readonly index: JobIndex;
	readonly deliveries: DeliveryQueue;
	readonly store: ObjectStore;
	readonly logger: Logger;
	/** Ends the work between two pages: this process stops, and another one goes on. */
	readonly signal: AbortSignal;
}
