import {
	type BatchList,
	batchListQuerySchema,
	parseFields,
	toWireBatch,
	type WireBatchOptions,
} from '@facet/contracts';
import type { BatchStore } from '@facet/queue';
import type { Request, RequestHandler, Response } from 'express';
import { readJsonBatch, readNdjsonBatch } from '../batch-body.ts';
import type { BatchService } from '../batch-service.ts';
import type { BatchWriter } from '../batch-writer.ts';
import { parseIdempotencyKey } from '../idempotently.ts';
import { callerOf } from '../middleware/caller.ts';
import { contextOf } from '../middleware/request-context.ts';

export interface BatchRoutesOptions {
	readonly service: BatchService;
	readonly batches: BatchStore;
	readonly wire: WireBatchOptions;
}

type BatchHandler = RequestHandler<{ id: string }>;

/** There is no registered media type for one JSON text a line. */
const NDJSON_TYPES = ['application/x-ndjson', 'application/ndjson', 'application/jsonl'];

/** `POST /v1/batches` with a body of NDJSON; leaves any other to the next handler. */
export function createNdjsonBatch(options: BatchRoutesOptions): RequestHandler {
	return async (request, response, next) => {
		if (!request.is(NDJSON_TYPES)) return next();
		const { service } = options;
		await create(options, request, response, (writer) => readNdjsonBatch(request, writer, service.maxItems));
	};
}

/** `POST /v1/batches` with a parsed body of JSON. */
export function createJsonBatch(options: BatchRoutesOptions): RequestHandler {
	return async (request, response) => {
		await create(options, request, response, (writer) => readJsonBatch(request.body, writer));
	};
}

async function create(
	{ service, wire }: BatchRoutesOptions,
	request: Request,
	response: Response,
	read: (writer: BatchWriter) => Promise<void>,
): Promise<void> {
	const { logger } = contextOf(request);
	const idempotencyKey = parseIdempotencyKey(request.get('idempotency-key'));
	const submission = { caller: callerOf(request), idempotencyKey, logger };
	const { batch, isReplay } = await service.submit(read, submission);
	response.setHeader('Location', `/v1/batches/${batch.id}`);
	if (isReplay) response.setHeader('Idempotent-Replayed', 'true');
	response.status(202).json(toWireBatch(batch, wire));
}

/** `GET /v1/batches/{id}` */
export function getBatch({ service, wire }: BatchRoutesOptions): BatchHandler {
	return async (request, response) => {
		const batch = await service.read(callerOf(request).id, request.params.id);
		response.setHeader('Cache-Control', 'no-store');
		response.json(toWireBatch(batch, wire));
	};
}

/** `GET /v1/batches`: the caller's own, newest first. */
export function listBatches({ batches, wire }: BatchRoutesOptions): RequestHandler {
	return async (request, response) => {
		const { cursor, limit } = parseFields(batchListQuerySchema, request.query);
		const page = await batches.page(callerOf(request).id, { after: cursor, limit });
		const list: BatchList = {
			data: page.batches.map((batch) => toWireBatch(batch, wire)),
			next_cursor: page.next ?? null,
		};
		response.setHeader('Cache-Control', 'no-store');
		response.json(list);
	};
}

/** `POST /v1/batches/{id}/cancel`: 202 and the batch as it is now. */
export function cancelBatch({ service, wire }: BatchRoutesOptions): BatchHandler {
	return async (request, response) => {
		const batch = await service.cancel(callerOf(request).id, request.params.id);
		response.status(202).json(toWireBatch(batch, wire));
	};
}

/** `DELETE /v1/batches/{id}`: 202, since results and crops go in a while. */
export function deleteBatch({ service }: BatchRoutesOptions): BatchHandler {
	return async (request, response) => {
		await service.delete(callerOf(request).id, request.params.id);
		response.status(202).end();
	};
}
