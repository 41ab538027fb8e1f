import { deliverySchema, webhookTestSchema } from '@facet/contracts';
import { deliveryExample, HOOK_URL } from './examples.ts';
import { headerRefs, idParameter } from './headers.ts';
import type { Paths } from './openapi-types.ts';
import { problems } from './responses.ts';
import type { Schemas } from './schemas.ts';

const TAGS = ['Webhooks'];

/** Calls on webhooks; what is sent by them is `webhookEvents`. */
export function webhookPaths(schemas: Schemas): Paths {
	const content = {
		'application/json': { schema: schemas.output(deliverySchema), example: deliveryExample },
	};
	return {
		'/v1/deliveries/{id}/replay': {
			post: {
				operationId: 'replayDelivery',
				summary: 'Send a webhook again',
				description: 'Under the same `webhook-id`, so that a receiver that has had it can tell.',
				tags: TAGS,
				parameters: [idParameter('Id of a delivery: the `webhook-id`')],
				responses: {
					202: { description: 'The delivery, on its way', headers: headerRefs(), content },
					...problems(schemas, 'not_found', 'conflict', 'gone'),
				},
			},
		},
		'/v1/webhooks/test': {
			post: {
				operationId: 'testWebhook',
				summary: 'Send a test event to an endpoint',
				description:
					'One signed `webhook.test` event from a worker, without retries. A success switches an endpoint on again that has answered 410.',
				tags: TAGS,
				requestBody: {
					required: true,
					content: {
						'application/json': { schema: schemas.input(webhookTestSchema), example: { url: HOOK_URL } },
					},
				},
				responses: {
					200: { description: 'What the endpoint answered', headers: headerRefs(), content },
					...problems(schemas, 'invalid_url', 'body_too_large', 'wait_timeout'),
				},
			},
		},
	};
}
