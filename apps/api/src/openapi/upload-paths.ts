import { uploadRequestSchema, uploadSchema } from '@facet/contracts';
import { uploadExample } from './examples.ts';
import { headerRefs } from './headers.ts';
import type { Paths } from './openapi-types.ts';
import { problems } from './responses.ts';
import type { Schemas } from './schemas.ts';

export function uploadPaths(schemas: Schemas): Paths {
	return {
		'/v1/uploads': {
			post: {
				operationId: 'createUpload',
				summary: 'Get a link for a large file',
				description:
					'Send the file by the request that the answer describes, then submit jobs with `upload_id` in place of `url`. An upload may be used by several jobs, until it expires with the other objects.',
				tags: ['Uploads'],
				requestBody: {
					required: true,
					content: {
						'application/json': {
							schema: schemas.input(uploadRequestSchema),
							example: { content_length: 734_003_200, content_type: 'video/mp4' },
						},
					},
				},
				responses: {
					201: {
						description: 'The link, a secret for as long as it lives',
						headers: headerRefs('Cache-Control'),
						content: { 'application/json': { schema: schemas.output(uploadSchema), example: uploadExample } },
					},
					...problems(schemas, 'body_too_large', 'storage_unavailable'),
				},
			},
		},
	};
}
