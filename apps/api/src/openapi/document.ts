import { readFileSync } from 'node:fs';
import { batchPaths } from './batch-paths.ts';
import { detectFacesPaths } from './detect-faces-paths.ts';
import { HEADERS } from './headers.ts';
import { jobPaths } from './job-paths.ts';
import type { OpenApiDocument } from './openapi-types.ts';
import { Schemas } from './schemas.ts';
import { uploadPaths } from './upload-paths.ts';
import { webhookEvents } from './webhook-events.ts';
import { webhookPaths } from './webhook-paths.ts';

const DESCRIPTION = `Self-hosted face detection for photos and videos.

\`POST /detect_faces\` answers at once, in the format of Akool's API. \`/v1\` makes jobs: poll them, follow them, or have
their ends sent to you by signed webhooks ([Standard Webhooks](https://www.standardwebhooks.com) 1.0).

Keys go into \`Authorization: Bearer\` or \`x-api-key\`; a service without keys takes requests without. Errors of \`/v1\`
are problem details (RFC 9457), and their \`code\` says what happened. Answers may gain fields; do not refuse unknown ones.`;

/**
 * The OpenAPI document of the API, made of the zod schemas that its requests are parsed by.
 *
 * @param basePath - path that the API is reached under; `/` unless a proxy adds some.
 */
export function openApiDocument(basePath = '/'): OpenApiDocument {
	const schemas = new Schemas();
	const paths = {
		...detectFacesPaths(schemas),
		...jobPaths(schemas),
		...batchPaths(schemas),
		...uploadPaths(schemas),
		...webhookPaths(schemas),
	};
	const webhooks = webhookEvents(schemas);
	return {
		openapi: '3.1.1',
		info: {
			title: 'Facet',
			version: packageVersion(),
			description: DESCRIPTION,
			license: { name: 'MIT', identifier: 'MIT' },
		},
		servers: [{ url: basePath }],
		tags: [
			{ name: 'Detection', description: 'The synchronous call' },
			{ name: 'Jobs', description: 'One photo or video each' },
			{ name: 'Batches', description: 'Thousands of photos and videos at once' },
			{ name: 'Uploads', description: 'Files past the queue' },
			{ name: 'Webhooks', description: 'Events that are sent to you' },
		],
		security: [{ bearer: [] }, { apiKey: [] }, {}],
		paths,
		webhooks,
		components: {
			schemas: schemas.all,
			headers: HEADERS,
			securitySchemes: {
				bearer: { type: 'http', scheme: 'bearer', description: 'Goes before `x-api-key`' },
				apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
			},
		},
	};
}

function packageVersion(): string {
	const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
	const parsed: unknown = JSON.parse(text);
	if (typeof parsed === 'object' && parsed !== null && 'version' in parsed) return String(parsed.version);
	throw new Error('package.json: expected a version');
}
