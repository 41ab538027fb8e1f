import { z } from 'zod';

/** Body of `POST /v1/webhooks/test`. */
export const webhookTestSchema = z
	.strictObject({
		url: z.string().max(2048).meta({ description: 'http or https URL that a test event is sent to' }),
	})
	.meta({ id: 'WebhookTest' });
