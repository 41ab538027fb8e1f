import {
	batchListQuerySchema,
	batchListSchema,
	batchRequestLineSchema,
	batchRequestSchema,
	batchResultSchema,
	batchResultsQuerySchema,
	batchSchema,
	deliveryListSchema,
} from '@facet/contracts';
import {
	batchExample,
	batchLinesExample,
	batchRequestExample,
	batchResultExample,
	deliveryExample,
} from './examples.ts';
import { headerRefs, idempotencyKeyParameter, idParameter } from './headers.ts';
import type { Content, Operation, Paths } from './openapi-types.ts';
import { queryParameters } from './query-parameters.ts';
import { problems } from './responses.ts';
import type { Schemas } from './schemas.ts';

const TAGS = ['Batches'];
const batchId = idParameter('Id of a batch');

export function batchPaths(schemas: Schemas): Paths {
	return {
		'/v1/batches': { post: createBatch(schemas), get: listBatches(schemas) },
		'/v1/batches/{id}': { get: getBatch(schemas), delete: deleteBatch(schemas) },
		'/v1/batches/{id}/cancel': { post: cancelBatch(schemas) },
		'/v1/batches/{id}/results': { get: batchResults(schemas) },
		'/v1/batches/{id}/deliveries': { get: batchDeliveries(schemas) },
	};
}

function createBatch(schemas: Schemas): Operation {
	return {
		operationId: 'createBatch',
		summary: 'Submit many photos and videos at once',
		description:
			'Up to `MAX_BATCH_ITEMS` items, accepted whole or refused whole with every faulty item named. NDJSON is read as it comes: one item a line, and the first line may be `{"defaults": {…}}`.',
		tags: TAGS,
		parameters: [idempotencyKeyParameter],
		requestBody: {
			required: true,
			content: {
				'application/json': { schema: schemas.input(batchRequestSchema), example: batchRequestExample },
				'application/x-ndjson': {
					schema: { type: 'string' },
					example: batchLinesExample,
					'x-item-schema': schemas.input(batchRequestLineSchema),
				},
			},
		},
		responses: {
			202: {
				description: 'The batch',
				headers: headerRefs('Location', 'Idempotent-Replayed', 'Cache-Control'),
				content: batchContent(schemas),
			},
			...problems(
				schemas,
				'not_found',
				'conflict',
				'body_too_large',
				'idempotency_mismatch',
				'too_many_jobs',
				'queue_full',
				'storage_unavailable',
			),
		},
	};
}

function listBatches(schemas: Schemas): Operation {
	return {
		operationId: 'listBatches',
		summary: 'List your batches, newest first',
		tags: TAGS,
		parameters: queryParameters(schemas, batchListQuerySchema),
		responses: {
			200: {
				description: 'A page of batches',
				headers: headerRefs('Cache-Control'),
				content: { 'application/json': { schema: schemas.output(batchListSchema) } },
			},
			...problems(schemas),
		},
	};
}

function getBatch(schemas: Schemas): Operation {
	return {
		operationId: 'getBatch',
		summary: 'Look at a batch',
		tags: TAGS,
		parameters: [batchId],
		responses: {
			200: {
				description: 'The batch with its items counted by state',
				headers: headerRefs('Cache-Control'),
				content: batchContent(schemas),
			},
			...problems(schemas, 'not_found'),
		},
	};
}

function deleteBatch(schemas: Schemas): Operation {
	return {
		operationId: 'deleteBatch',
		summary: 'Erase a batch, its results and its crops',
		description: 'Unfinished items are canceled first. The batch is not shown any more at once.',
		tags: TAGS,
		parameters: [batchId],
		responses: {
			202: { description: 'What it has left goes in a while', headers: headerRefs() },
			...problems(schemas, 'not_found'),
		},
	};
}

function cancelBatch(schemas: Schemas): Operation {
	return {
		operationId: 'cancelBatch',
		summary: 'Cancel what is unfinished of a batch',
		tags: TAGS,
		parameters: [batchId],
		responses: {
			202: {
				description: 'The batch; its unfinished items end as `canceled` in a while',
				headers: headerRefs('Cache-Control'),
				content: batchContent(schemas),
			},
			...problems(schemas, 'not_found', 'conflict'),
		},
	};
}

function batchResults(schemas: Schemas): Operation {
	return {
		operationId: 'batchResults',
		summary: 'Read a batch’s results in their order',
		description:
			'A line an item, unfinished ones among them with their state. Every line has a `cursor`: a reader that was cut off goes on behind its last line.',
		tags: TAGS,
		parameters: [batchId, ...queryParameters(schemas, batchResultsQuerySchema)],
		responses: {
			200: {
				description: 'The items as NDJSON',
				headers: headerRefs('Cache-Control'),
				content: {
					'application/x-ndjson': {
						schema: { type: 'string' },
						example: `${JSON.stringify(batchResultExample)}\n`,
						'x-item-schema': schemas.output(batchResultSchema),
					},
				},
			},
			...problems(schemas, 'not_found'),
		},
	};
}

function batchDeliveries(schemas: Schemas): Operation {
	return {
		operationId: 'batchDeliveries',
		summary: 'See what has become of a batch’s webhook',
		tags: TAGS,
		parameters: [batchId],
		responses: {
			200: {
				description: 'The webhook with its attempts; an empty list while there is none',
				headers: headerRefs('Cache-Control'),
				content: {
					'application/json': {
						schema: schemas.output(deliveryListSchema),
						example: { data: [deliveryExample] },
					},
				},
			},
			...problems(schemas, 'not_found'),
		},
	};
}

function batchContent(schemas: Schemas): Content {
	return { 'application/json': { schema: schemas.output(batchSchema), example: batchExample } };
}
