import type { BatchResult, Delivery, Upload, WireBatch, WireJob } from '@facet/contracts';

/** Documents as the service answers them; a test holds them against their schemas. */

const BASE = 'https://facet.example.com';
const JOB_ID = '0f8e4b1c-9f3d-4c38-9a55-6f2f1d0c7a11';
const BATCH_ID = '6f3d2a90-51c7-4c0e-8d4b-2b1f0a9e7c55';

export const PHOTO_URL = 'https://example.com/photo.jpg';
export const HOOK_URL = 'https://example.com/hooks/facet';

export const jobRequestExample = {
	url: PHOTO_URL,
	include: ['scores'],
	tag: 'album-7',
	webhook_url: HOOK_URL,
};

const frame = {
	landmarks: [
		[
			[1556, 283],
			[1612, 339],
			[1547, 340],
			[1517, 374],
			[1494, 343],
			[1551, 398],
		] satisfies [number, number][],
	],
	landmarks_str: ['1556,283:1612,339:1547,340:1517,374'],
	region: [[1464, 224, 218, 227]] satisfies [number, number, number, number][],
	removed: [],
	frame_time: null,
	face_urls: null,
	crop_region: null,
	crop_landmarks: null,
};

export const detectFacesExample = { error_code: 0, error_msg: 'SUCCESS', faces_obj: { '0': frame } };

function jobUrls(id: string) {
	const self = `${BASE}/v1/jobs/${id}`;
	return { self, events: `${self}/events`, cancel: `${self}/cancel`, deliveries: `${self}/deliveries` };
}

export const queuedJobExample: WireJob = {
	id: JOB_ID,
	status: 'queued',
	tag: 'album-7',
	batch_id: null,
	include: ['scores'],
	attempts: 0,
	progress: null,
	queue_position: 3,
	created_at: '2026-01-31T09:30:00.000Z',
	started_at: null,
	finished_at: null,
	deadline: '2026-02-01T09:30:00.000Z',
	expires_at: null,
	metrics: null,
	result: null,
	error: null,
	urls: jobUrls(JOB_ID),
};

export const succeededJobExample: WireJob = {
	...queuedJobExample,
	status: 'succeeded',
	attempts: 1,
	queue_position: null,
	started_at: '2026-01-31T09:30:00.042Z',
	finished_at: '2026-01-31T09:30:00.251Z',
	expires_at: '2026-02-01T09:30:00.251Z',
	metrics: { queue: 42, download: 88, decode: 31, detect: 64, crop: 0, upload: 0 },
	result: {
		faces_obj: { '0': { ...frame, scores: [0.9987] } },
		persons: [],
		media: { kind: 'image', format: 'jpeg', width: 2560, height: 1920, bytes: 481_220, orientation: 1 },
		model: 'ultraface',
	},
};

export const failedJobExample: WireJob = {
	...succeededJobExample,
	status: 'failed',
	metrics: null,
	result: null,
	error: {
		code: 'download_failed',
		message: 'Failed to download media from URL',
		detail: 'the server answered 404',
		retryable: false,
	},
};

export const batchRequestExample = {
	tag: 'album-7',
	webhook_url: HOOK_URL,
	items: [{ url: PHOTO_URL }, { url: 'https://example.com/clip.mp4', num_frames: 20, tag: 'clips' }],
};

export const batchLinesExample = [
	{ defaults: { tag: 'album-7', webhook_url: HOOK_URL } },
	...batchRequestExample.items,
]
	.map((line) => `${JSON.stringify(line)}\n`)
	.join('');

const batchSelf = `${BASE}/v1/batches/${BATCH_ID}`;

export const batchExample: WireBatch = {
	id: BATCH_ID,
	status: 'processing',
	tag: 'album-7',
	total: 2,
	counts: { queued: 1, processing: 0, succeeded: 1, failed: 0, canceled: 0, expired: 0 },
	created_at: '2026-01-31T09:30:00.000Z',
	completed_at: null,
	deadline: '2026-02-01T09:30:00.000Z',
	expires_at: null,
	urls: {
		self: batchSelf,
		results: `${batchSelf}/results`,
		cancel: `${batchSelf}/cancel`,
		deliveries: `${batchSelf}/deliveries`,
	},
};

export const batchResultExample: BatchResult = {
	index: 1,
	id: `${BATCH_ID}.00001`,
	status: 'queued',
	cursor: '2',
	job: null,
};

export const uploadExample: Upload = {
	upload_id: 'upl_Zl3o1k8c2Qy5mB7w9tTjXA',
	method: 'PUT',
	url: `${BASE}/files/uploads/open/upl_Zl3o1k8c2Qy5mB7w9tTjXA.bin?expires=1769855400&signature=q83v`,
	headers: { 'Content-Type': 'video/mp4' },
	expires_at: '2026-01-31T10:30:00.000Z',
	max_bytes: 536_870_912,
};

export const deliveryExample: Delivery = {
	id: `msg_${JOB_ID}`,
	event: 'detection.succeeded',
	url: HOOK_URL,
	status: 'pending',
	created_at: '2026-01-31T09:30:00.251Z',
	attempts: [{ at: '2026-01-31T09:30:00.302Z', status_code: 503, duration_ms: 48, error: 'status' }],
	next_attempt_at: '2026-01-31T09:30:05.911Z',
};

/** The stream of one job's events. */
export const eventsExample = [
	'retry: 2000\n',
	'id: 1769851800042-0',
	'event: status',
	`data: {"id":"${JOB_ID}","status":"processing","at":"2026-01-31T09:30:00.042Z"}\n`,
	'id: 1769851801042-0',
	'event: progress',
	`data: {"id":"${JOB_ID}","frames_done":3,"frames_wanted":20,"at":"2026-01-31T09:30:01.042Z"}\n\n`,
].join('\n');
