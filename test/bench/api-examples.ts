import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { FacetClient } from '@facet/client';
import { generateWebhookSecret, signWebhook } from '@facet/webhooks';
import { guideExamples } from '../support/api-guide.ts';
import { Facet } from '../support/facet.ts';
import { PhotoServer } from '../support/photo-server.ts';
import { startOwnRedis } from '../support/redis.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

/**
 * Runs every example of docs/api.md in curl and in Python as it stands there, against a service of its own:
 * `npm run try:examples`. It needs bash, curl 7.76, jq and python3, which tests cannot count on.
 */

const run = promisify(execFile);
/** A fault of curl, or an answer that is an error, ends the example. */
const CURL = 'set -o pipefail; curl() { command curl --fail-with-body "$@"; }';

const directory = await mkdtemp(join(tmpdir(), 'facet-examples-'));
const [redis, photos] = await Promise.all([startOwnRedis(), PhotoServer.start()]);
const facet = await Facet.start(redis.url, { REQUIRE_API_KEY: 'true', MODELS_DIR: resolve('models') });
const { key, record } = await facet.callers.create('Reader');
const receiver = await WebhookReceiver.start(record.webhookSecrets[0]?.secret ?? '');
try {
	const environment = await prepare();
	for (const example of guideExamples('sh').filter((text) => text.includes('curl'))) {
		const script = example
			.replaceAll('https://example.com/photo.jpg', `${photos.url}/photo/1.jpg`)
			.replaceAll('https://example.com/hooks/facet', receiver.url);
		const options = { cwd: directory, env: environment };
		const { stdout } = await run('bash', ['-ec', `${CURL}\n${script}`], options);
		assert.notEqual(stdout, '', example);
		console.log(`${example.trim()}\n\n${stdout}`);
	}
	await tryPython();
	console.log('Every example works.');
} finally {
	await photos.close();
	await receiver.close();
	await facet.stop();
	await redis.stop();
	await rm(directory, { recursive: true, force: true });
}

/** What the examples speak of: files, and things with ids. */
async function prepare(): Promise<Record<string, string>> {
	const [photoUrl, heldUrl] = [`${photos.url}/photo/1.jpg`, `${photos.url}/held/1.jpg`];
	const photo = Buffer.from(await (await fetch(photoUrl)).arrayBuffer());
	// What a file is, is told by its bytes: no video is needed to send one.
	for (const name of ['photo.jpg', 'clip.mp4']) await writeFile(join(directory, name), photo);
	const client = new FacetClient({ baseUrl: facet.url, apiKey: key });
	const [job, batch, running, runningBatch] = await Promise.all([
		client.jobs.create({ url: photoUrl, tag: 'album-7', webhook_url: receiver.url }, { waitSeconds: 60 }),
		client.batches.create({ items: [{ url: photoUrl }, { url: photoUrl }] }),
		client.jobs.create({ url: heldUrl }),
		client.batches.create({ items: [{ url: heldUrl }] }),
	]);
	await receiver.got(1);
	return {
		PATH: process.env.PATH ?? '',
		HOME: process.env.HOME ?? '',
		FACET: facet.url,
		KEY: key,
		JOB: job.id,
		RUNNING: running.id,
		BATCH: batch.id,
		RUNNING_BATCH: runningBatch.id,
		DELIVERY: `msg_${job.id}`,
	};
}

async function tryPython(): Promise<void> {
	const [secret, other] = [generateWebhookSecret(), generateWebhookSecret()];
	const body = '{"type":"webhook.test","data":{"message":"ä"}}';
	const message = { id: 'msg_1', timestampSeconds: Math.floor(Date.now() / 1000), body };
	const late = { ...message, timestampSeconds: message.timestampSeconds - 400 };
	const cases = [
		[signWebhook(message, [secret]), body],
		[signWebhook(message, [other, secret]), body],
		[signWebhook(message, [other]), body],
		[signWebhook(message, [secret]), `${body} `],
		[signWebhook(late, [secret]), body],
		[{}, body],
	];
	const main = `
import json, sys
given = json.loads(sys.argv[1])
print(json.dumps([is_from_facet(headers, body.encode(), given["secret"]) for headers, body in given["cases"]]))
`;
	const file = join(directory, 'verify.py');
	await writeFile(file, guideExamples('python').join('\n') + main);
	const { stdout } = await run('python3', [file, JSON.stringify({ secret, cases })]);
	assert.deepEqual(JSON.parse(stdout), [true, true, false, false, false, false]);
}
