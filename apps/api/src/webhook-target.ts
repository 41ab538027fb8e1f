import { AppError, type WebhookTarget } from '@facet/contracts';
import type { Caller } from './middleware/caller.ts';

/**
 * Refuses a webhook that could not be delivered as the caller expects it. Which addresses may be reached is for the
 * worker to see, when it connects.
 *
 * @throws AppError `invalid_request`.
 */
export function checkWebhookTarget({ url }: WebhookTarget, { webhookSecrets }: Caller): void {
	if (webhookSecrets.length === 0) {
		throw new AppError('invalid_request', {
			detail:
				'webhooks are signed, and there is no secret to sign yours with: set WEBHOOK_SECRET, or make a key by `npm run keys`',
		});
	}
	const { username, password } = new URL(url);
	if (username !== '' || password !== '') {
		throw new AppError('invalid_request', { detail: 'webhook URL: expected none with a user or a password' });
	}
}
