import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

/** From a cached answer to the longest wait of a synchronous request, in seconds. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface ApiMetrics {
	readonly registry: Registry;
	/** Answered requests by route, method and status, in seconds. */
	readonly requestSeconds: Histogram<'route' | 'method' | 'status'>;
	/** Requests that wait for a job now. */
	readonly waiting: Gauge;
	readonly queueJobs: Gauge<'state'>;
	readonly queueOldestSeconds: Gauge;
}

export interface WorkerMetrics {
	readonly registry: Registry;
	/** Runs of jobs by outcome: `succeeded`, or the code of the error. */
	readonly jobs: Counter<'outcome'>;
	/** Time of each stage of a job, in seconds. */
	readonly stageSeconds: Histogram<'stage'>;
	readonly faces: Counter;
	/** Crops that could not be stored, after all retries. */
	readonly lostCrops: Counter;
	/** Attempts at webhooks by outcome: `delivered`, `disabled`, or why it failed. */
	readonly deliveries: Counter<'outcome'>;
	/** Time of each attempt, in seconds. */
	readonly deliverySeconds: Histogram;
	/** Inference processes that died and were replaced. */
	readonly inferenceRestarts: Counter;
}

/** What the inference process of a worker does. */
export interface InferenceUsage {
	/** Tasks that wait for a thread. */
	readonly queued: number;
	/** Tasks that run on one. */
	readonly running: number;
	/** Resident memory of the process, which that of the worker does not include. */
	readonly rssBytes: number;
}

export function createApiMetrics(): ApiMetrics {
	const registry = createRegistry('api');
	const registers = [registry];
	return {
		registry,
		requestSeconds: new Histogram({
			name: 'facet_http_request_seconds',
			help: 'Answered HTTP requests, in seconds',
			labelNames: ['route', 'method', 'status'],
			buckets: LATENCY_BUCKETS,
			registers,
		}),
		waiting: new Gauge({ name: 'facet_http_waiting', help: 'Requests that wait for a job now', registers }),
		queueJobs: new Gauge({
			name: 'facet_queue_jobs',
			help: 'Jobs in the queue by state',
			labelNames: ['state'],
			registers,
		}),
		queueOldestSeconds: new Gauge({
			name: 'facet_queue_oldest_waiting_seconds',
			help: 'Age of the job that has waited longest, in seconds',
			registers,
		}),
	};
}

/** @param inference - read at every scrape. */
export function createWorkerMetrics(inference: () => InferenceUsage): WorkerMetrics {
	const registry = createRegistry('worker');
	const registers = [registry];
	new Gauge({
		name: 'facet_inference_tasks',
		help: 'Tasks of the inference process by state',
		labelNames: ['state'],
		registers,
		collect() {
			const { queued, running } = inference();
			this.set({ state: 'queued' }, queued);
			this.set({ state: 'running' }, running);
		},
	});
	new Gauge({
		name: 'facet_inference_resident_memory_bytes',
		help: 'Resident memory of the inference process, after its last task',
		registers,
		collect() {
			this.set(inference().rssBytes);
		},
	});
	return {
		registry,
		jobs: new Counter({
			name: 'facet_jobs_total',
			help: 'Runs of jobs by outcome',
			labelNames: ['outcome'],
			registers,
		}),
		stageSeconds: new Histogram({
			name: 'facet_job_stage_seconds',
			help: 'Time of each stage of a job, in seconds',
			labelNames: ['stage'],
			buckets: LATENCY_BUCKETS,
			registers,
		}),
		faces: new Counter({ name: 'facet_faces_total', help: 'Faces found', registers }),
		lostCrops: new Counter({
			name: 'facet_lost_crops_total',
			help: 'Crops that could not be stored',
			registers,
		}),
		deliveries: new Counter({
			name: 'facet_webhook_deliveries_total',
			help: 'Attempts at webhooks by outcome',
			labelNames: ['outcome'],
			registers,
		}),
		deliverySeconds: new Histogram({
			name: 'facet_webhook_delivery_seconds',
			help: 'Time of each attempt at a webhook, in seconds',
			buckets: LATENCY_BUCKETS,
			registers,
		}),
		inferenceRestarts: new Counter({
			name: 'facet_inference_restarts_total',
			help: 'Inference processes that died and were replaced',
			registers,
		}),
	};
}

function createRegistry(service: string): Registry {
	const registry = new Registry();
	registry.setDefaultLabels({ service });
	collectDefaultMetrics({ register: registry });
	return registry;
}
