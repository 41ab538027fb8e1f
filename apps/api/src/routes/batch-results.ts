import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { batchResultsQuerySchema, parseFields } from '@facet/contracts';
import type { RequestHandler } from 'express';
import { type BatchResultsOptions, batchResults, resultsRange } from '../batch-results.ts';
import type { BatchService } from '../batch-service.ts';
import { callerOf } from '../middleware/caller.ts';
import { contextOf } from '../middleware/request-context.ts';

export interface BatchResultsRouteOptions extends BatchResultsOptions {
	readonly service: BatchService;
}

/**
 * `GET /v1/batches/{id}/results`: a line an item, as fast as the client reads. When something fails midway the answer
 * breaks off without its end, and the client goes on behind the last line that it has.
 */
export function getBatchResults(options: BatchResultsRouteOptions): RequestHandler<{ id: string }> {
	return async (request, response) => {
		const query = parseFields(batchResultsQuerySchema, request.query);
		const batch = await options.service.read(callerOf(request).id, request.params.id);
		const pages = batchResults(batch, resultsRange(batch, query), options);
		// Before the first byte an error still has an answer.
		const first = await pages.next();
		response.setHeader('Content-Type', 'application/x-ndjson');
		response.setHeader('Cache-Control', 'no-store');
		const lines = async function* () {
			if (!first.done) yield first.value;
			yield* pages;
		};
		try {
			await pipeline(Readable.from(lines(), { highWaterMark: 1 }), response);
		} catch (err) {
			// The pipeline has destroyed the connection, or else the client has.
			contextOf(request).logger.debug({ err, batchId: batch.id }, 'results broken off');
		}
	};
}
