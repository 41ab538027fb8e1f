/** As Standard Webhooks 1.0 writes symmetric secrets: a prefix, and 24 to 64 bytes in base64. */
export function isWebhookSecret(text: string): boolean {
	const base64 = /^whsec_([A-Za-z0-9+/]+={0,2})$/.exec(text)?.[1] ?? '';
	const bytes = Buffer.from(base64, 'base64');
	const isWhole = bytes.toString('base64').replace(/=+$/, '') === base64.replace(/=+$/, '');
	return isWhole && bytes.length >= 24 && bytes.length <= 64;
}
