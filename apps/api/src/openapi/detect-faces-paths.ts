import { detectBodySchema, detectSuccessSchema, jobSchema } from '@facet/contracts';
import { detectFacesExample, PHOTO_URL, queuedJobExample } from './examples.ts';
import { headerRefs, preferParameter } from './headers.ts';
import type { Operation, Paths } from './openapi-types.ts';
import { detectFailures } from './responses.ts';
import type { Schemas } from './schemas.ts';

/** The documented synchronous call, under both of its paths. */
export function detectFacesPaths(schemas: Schemas): Paths {
	return {
		'/detect_faces': { post: detectFaces(schemas, 'detectFaces') },
		'/interface/detect-api/detect_faces': { post: detectFaces(schemas, 'detectFacesCompatible') },
	};
}

function detectFaces(schemas: Schemas, operationId: string): Operation {
	return {
		operationId,
		summary: 'Detect faces and wait for them',
		description:
			'Wire-compatible with Akool’s `POST /detect_faces`. No face is a success with empty arrays. After a 504 the job runs on, and the identical request attaches to it.',
		tags: ['Detection'],
		parameters: [
			preferParameter(
				'`respond-async`: answer 202 with the job at once. `wait=N`: wait N seconds rather than `SYNC_TIMEOUT_MS`, if that is shorter.',
			),
		],
		requestBody: {
			required: true,
			description: '`null` and an empty string count as not given.',
			content: {
				'application/json': {
					schema: schemas.input(detectBodySchema),
					example: { url: PHOTO_URL, num_frames: 5 },
				},
			},
		},
		responses: {
			200: {
				description: 'The faces',
				headers: headerRefs('X-Job-Id', 'Preference-Applied'),
				content: {
					'application/json': { schema: schemas.output(detectSuccessSchema), example: detectFacesExample },
				},
			},
			202: {
				description: 'The job, because of `Prefer: respond-async`',
				headers: headerRefs('X-Job-Id', 'Location', 'Preference-Applied'),
				content: { 'application/json': { schema: schemas.output(jobSchema), example: queuedJobExample } },
			},
			...detectFailures(schemas),
		},
	};
}
