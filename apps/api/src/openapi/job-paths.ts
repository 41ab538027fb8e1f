import {
	deliveryListSchema,
	type JsonSchema,
	jobFormSchema,
	jobListQuerySchema,
	jobListSchema,
	jobProgressEventSchema,
	jobQuerySchema,
	jobRequestSchema,
	jobSchema,
	jobStatusEventSchema,
	MAX_WAIT_SECONDS,
} from '@facet/contracts';
import {
	deliveryExample,
	eventsExample,
	failedJobExample,
	jobRequestExample,
	queuedJobExample,
	succeededJobExample,
} from './examples.ts';
import {
	cancelAfterParameter,
	headerRefs,
	idempotencyKeyParameter,
	idParameter,
	preferParameter,
} from './headers.ts';
import type { Content, MediaType, Operation, Paths } from './openapi-types.ts';
import { queryParameters } from './query-parameters.ts';
import { problems } from './responses.ts';
import type { Schemas } from './schemas.ts';

const TAGS = ['Jobs'];
const jobId = idParameter('Id of a job, or of a batch’s item');

export function jobPaths(schemas: Schemas): Paths {
	return {
		'/v1/jobs': { post: createJob(schemas), get: listJobs(schemas) },
		'/v1/jobs/{id}': { get: getJob(schemas), delete: deleteJob(schemas) },
		'/v1/jobs/{id}/cancel': { post: cancelJob(schemas) },
		'/v1/jobs/{id}/events': { get: jobEvents(schemas) },
		'/v1/jobs/{id}/deliveries': { get: jobDeliveries(schemas) },
	};
}

function createJob(schemas: Schemas): Operation {
	const made = headerRefs(
		'X-Job-Id',
		'Location',
		'Preference-Applied',
		'Idempotent-Replayed',
		'Facet-Deduplicated',
	);
	return {
		operationId: 'createJob',
		summary: 'Submit a photo or a video',
		description:
			'Exactly one of `url`, `img` and `upload_id` in JSON, or a form with a file. A `webhook_url` needs a secret to sign with: the key’s own, or `WEBHOOK_SECRET`.',
		tags: TAGS,
		parameters: [
			idempotencyKeyParameter,
			preferParameter(
				`\`wait=N\`: wait up to N seconds, ${MAX_WAIT_SECONDS} at most, and answer 200 with the job when it has ended by then`,
			),
			cancelAfterParameter,
		],
		requestBody: {
			required: true,
			content: {
				'application/json': { schema: schemas.input(jobRequestSchema), example: jobRequestExample },
				'multipart/form-data': jobForm(schemas),
			},
		},
		responses: {
			200: {
				description:
					'The job, which has ended: within `Prefer: wait=N`, or before, when the request is a repeated one',
				headers: made,
				content: jobContent(schemas),
			},
			202: { description: 'The job', headers: made, content: jobContent(schemas) },
			...problems(
				schemas,
				'missing_input',
				'invalid_url',
				'not_found',
				'conflict',
				'gone',
				'body_too_large',
				'idempotency_mismatch',
				'too_many_jobs',
				'queue_full',
				'storage_unavailable',
			),
		},
	};
}

/** A file, and the fields of a request in JSON beside it. */
function jobForm(schemas: Schemas): MediaType {
	const { properties, ...fields } = schemas.input(jobFormSchema);
	const file: JsonSchema = {
		type: 'string',
		contentMediaType: 'application/octet-stream',
		description: 'The photo or the video; what it is, is told by its bytes',
	};
	return {
		schema: schemas.add('JobForm', { ...fields, properties: { file, ...properties }, required: ['file'] }),
		encoding: {
			include: { contentType: 'application/json' },
			webhook_events: { contentType: 'application/json' },
		},
	};
}

function listJobs(schemas: Schemas): Operation {
	return {
		operationId: 'listJobs',
		summary: 'List your jobs, newest first',
		tags: TAGS,
		parameters: queryParameters(schemas, jobListQuerySchema, {
			limit: { type: 'integer', minimum: 1, maximum: 100, default: 20 },
		}),
		responses: {
			200: {
				description: 'A page of jobs, without their results',
				headers: headerRefs('Cache-Control'),
				content: { 'application/json': { schema: schemas.output(jobListSchema) } },
			},
			...problems(schemas),
		},
	};
}

function getJob(schemas: Schemas): Operation {
	return {
		operationId: 'getJob',
		summary: 'Look at a job, or wait for its end',
		tags: TAGS,
		parameters: [
			jobId,
			...queryParameters(schemas, jobQuerySchema, {
				wait: { type: 'integer', minimum: 0, maximum: MAX_WAIT_SECONDS, default: 0 },
			}),
		],
		responses: {
			200: {
				description: 'The job, ended or not',
				headers: headerRefs('X-Job-Id', 'Cache-Control'),
				content: jobContent(schemas),
			},
			...problems(schemas, 'not_found', 'gone'),
		},
	};
}

function deleteJob(schemas: Schemas): Operation {
	return {
		operationId: 'deleteJob',
		summary: 'Erase a job, its result and its crops',
		description: 'A job that has not ended is canceled first.',
		tags: TAGS,
		parameters: [jobId],
		responses: {
			204: { description: 'Nothing is left of it', headers: headerRefs('X-Job-Id') },
			...problems(schemas, 'not_found', 'gone', 'storage_unavailable'),
		},
	};
}

function cancelJob(schemas: Schemas): Operation {
	return {
		operationId: 'cancelJob',
		summary: 'Cancel a job',
		description:
			'A queued job is gone at once. A running one is canceled at once for everybody; its worker stops between two frames and leaves no crops. Canceling a canceled job again is no harm.',
		tags: TAGS,
		parameters: [jobId],
		responses: {
			200: {
				description: 'The canceled job',
				headers: headerRefs('X-Job-Id', 'Cache-Control'),
				content: jobContent(schemas),
			},
			...problems(schemas, 'not_found', 'conflict', 'gone', 'storage_unavailable'),
		},
	};
}

function jobEvents(schemas: Schemas): Operation {
	return {
		operationId: 'jobEvents',
		summary: 'Follow a job by server-sent events',
		description:
			'Events `status` and `progress`, a comment every 15 seconds; the stream ends after the final status. With `Last-Event-ID` it goes on behind that event, otherwise it begins with the present state.',
		tags: TAGS,
		parameters: [
			jobId,
			{
				name: 'Last-Event-ID',
				in: 'header',
				description: '`id` of the last event that was received',
				schema: { type: 'string' },
			},
		],
		responses: {
			200: {
				description: 'The events',
				headers: headerRefs('X-Job-Id', 'Cache-Control', 'X-Accel-Buffering'),
				content: {
					'text/event-stream': {
						schema: { type: 'string' },
						example: eventsExample,
						'x-event-schemas': {
							status: schemas.output(jobStatusEventSchema),
							progress: schemas.output(jobProgressEventSchema),
						},
					},
				},
			},
			204: {
				description: 'The job has ended, and `Last-Event-ID` says that you know: do not connect again',
				headers: headerRefs('X-Job-Id'),
			},
			...problems(schemas, 'not_found', 'gone'),
		},
	};
}

function jobDeliveries(schemas: Schemas): Operation {
	return {
		operationId: 'jobDeliveries',
		summary: 'See what has become of a job’s webhook',
		tags: TAGS,
		parameters: [jobId],
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

function jobContent(schemas: Schemas): Content {
	return {
		'application/json': {
			schema: schemas.output(jobSchema),
			examples: {
				queued: { value: queuedJobExample },
				succeeded: { value: succeededJobExample },
				failed: { value: failedJobExample },
			},
		},
	};
}
