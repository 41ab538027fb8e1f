import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ERROR_CATALOGUE } from '@facet/contracts';
import { generateWebhookSecret, signWebhook } from '@facet/webhooks';
import { expect, inject, it } from 'vitest';
import type { ApiDocument } from '../support/api-document.ts';
import { API_GUIDE, guideExamples } from '../support/api-guide.ts';
import { Facet } from '../support/facet.ts';

it('docs/api.md has every call', async () => {
	const facet = await Facet.start(inject('redisUrl'), {}, 0);
	try {
		const { paths } = (await (await fetch(`${facet.url}/openapi.json`)).json()) as ApiDocument;
		const calls = Object.entries(paths).flatMap(([path, item]) =>
			Object.keys(item).map((method) => `${method.toUpperCase()} ${path}`),
		);
		const missing = calls.filter((call) => !API_GUIDE.includes(`\`${call}\``));
		expect(missing).toEqual(['POST /interface/detect-api/detect_faces']);
	} finally {
		await facet.stop();
	}
});

it('docs/api.md has every error with its status', () => {
	const rows = [...API_GUIDE.matchAll(/^\| `(\w+)` \| (\d{3}) \| (yes)? ?\| (.+) \|$/gm)].map(
		([, code, status, again]) => [code, Number(status), again === 'yes'],
	);
	const catalogue = Object.entries(ERROR_CATALOGUE).map(([code, { status, retryable }]) => [
		code,
		status,
		retryable,
	]);
	expect(rows.sort()).toEqual(catalogue.sort());
});

it('docs/api.md verifies webhooks by Node alone', async () => {
	const directory = await mkdtemp(join(tmpdir(), 'facet-guide-'));
	try {
		const file = join(directory, 'verify.ts');
		await writeFile(file, guideExamples('ts').find((example) => example.includes('isFromFacet')) ?? '');
		const { isFromFacet } = await import(file);
		const [secret, other] = [generateWebhookSecret(), generateWebhookSecret()];
		const body = '{"type":"webhook.test","data":{"message":"ä"}}';
		const message = { id: 'msg_1', timestampSeconds: Math.floor(Date.now() / 1000), body };
		const late = { ...message, timestampSeconds: message.timestampSeconds - 400 };
		expect(isFromFacet(signWebhook(message, [secret]), body, secret)).toBe(true);
		expect(isFromFacet(signWebhook(message, [other, secret]), body, secret)).toBe(true);
		expect(isFromFacet(signWebhook(message, [other]), body, secret)).toBe(false);
		expect(isFromFacet(signWebhook(message, [secret]), `${body} `, secret)).toBe(false);
		expect(isFromFacet(signWebhook(late, [secret]), body, secret)).toBe(false);
		expect(isFromFacet({}, body, secret)).toBe(false);
	} finally {
		await rm(directory, { recursive: true, force: true });
	}
});
