import {
	batchEventSchema,
	detectionEventSchema,
	JOB_EVENTS,
	type JsonSchema,
	testEventSchema,
} from '@facet/contracts';
import { batchExample, succeededJobExample } from './examples.ts';
import type { Parameter, PathItem, Paths } from './openapi-types.ts';
import type { Schemas } from './schemas.ts';

const timestamp = '2026-01-31T09:30:00.251Z';

/** What Facet sends to receivers of webhooks: the `webhooks` of the document. */
export function webhookEvents(schemas: Schemas): Paths {
	const detection = schemas.output(detectionEventSchema);
	return {
		...Object.fromEntries(
			JOB_EVENTS.map((type) => {
				const status = type.slice('detection.'.length);
				const example =
					type === 'detection.succeeded' ? { type, timestamp, data: succeededJobExample } : undefined;
				return [type, event(type, `A job has ended as \`${status}\``, detection, example)];
			}),
		),
		'batch.completed': event(
			'batch.completed',
			'Every item of a batch has ended',
			schemas.output(batchEventSchema),
			{ type: 'batch.completed', timestamp, data: batchExample },
		),
		'webhook.test': event(
			'webhook.test',
			'Somebody called `POST /v1/webhooks/test`',
			schemas.output(testEventSchema),
			{ type: 'webhook.test', timestamp, data: { message: 'Webhooks arrive here.' } },
		),
	};
}

/** Of Standard Webhooks 1.0. */
const headers: readonly Parameter[] = [
	header('webhook-id', 'The same for every attempt: tells what was received before'),
	header('webhook-timestamp', 'Seconds since the epoch; refuse what is more than five minutes off'),
	header(
		'webhook-signature',
		'`v1,` and the HMAC-SHA256 of `id.timestamp.body` in base64; several, space-separated, while secrets are rotated',
	),
];

function header(name: string, description: string): Parameter {
	return { name, in: 'header', required: true, description, schema: { type: 'string' } };
}

function event(type: string, summary: string, schema: JsonSchema, example: unknown): PathItem {
	return {
		post: {
			operationId: type,
			summary,
			description:
				'Answer 2xx within 20 seconds (`WEBHOOK_TIMEOUT_MS`). Anything else is a failure and tried again, redirects too; 410 switches the endpoint off. `Retry-After` is respected.',
			tags: ['Webhooks'],
			security: [],
			parameters: headers,
			requestBody: {
				required: true,
				content: { 'application/json': { schema, ...(example === undefined ? {} : { example }) } },
			},
			responses: {
				'2XX': { description: 'Received' },
				410: { description: 'No more of these, until a test succeeds' },
			},
		},
	};
}
