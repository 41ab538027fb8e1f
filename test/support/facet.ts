import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import {
	type DetectFailure,
	type FacesObj,
	type JobOutcome,
	type StageTimings,
	stageTimingsSchema,
} from '@facet/contracts';
import { CallerStore, connectConsumer, ResultStore } from '@facet/queue';
import { checkAnswersOf, expectAnswersAsDocumented } from './checked-fetch.ts';
import { type LogLine, ServiceProcess } from './service-process.ts';

export type Environment = Readonly<Record<string, string>>;

/** Every field that an answer of `POST /detect_faces` may have; which are there is for the tests to say. */
export interface AnswerBody {
	readonly error_code: 0 | 1;
	readonly error_msg: string;
	readonly faces_obj: FacesObj;
	readonly error: DetectFailure['error'];
}

export interface Answer {
	readonly status: number;
	readonly headers: Headers;
	readonly body: AnswerBody;
}

/**
 * A whole Facet of built processes: an API and as many workers as the test starts, with a queue prefix, a store and a
 * directory for temporary files of their own.
 */
export class Facet {
	readonly #environment: Environment;
	readonly #directory: string;
	readonly #processes: ServiceProcess[] = [];
	readonly #redis: ReturnType<typeof connectConsumer>;
	/** Prefix of its keys in Redis. */
	readonly prefix: string;
	/** Its stored keys, as the command line sees them. */
	readonly callers: CallerStore;
	/** Where the API listens. */
	url = '';

	private constructor(redisUrl: string, queuePrefix: string, environment: Environment, directory: string) {
		this.prefix = `{${queuePrefix}}`;
		this.#redis = connectConsumer(redisUrl, { debug() {}, info() {}, warn() {}, error() {} });
		this.callers = new CallerStore(this.#redis, { prefix: this.prefix });
		this.#environment = environment;
		this.#directory = directory;
	}

	/** Starts an API and `workers` workers. */
	static async start(redisUrl: string, environment: Environment = {}, workers = 1): Promise<Facet> {
		const directory = await mkdtemp(join(tmpdir(), 'facet-test-'));
		const queuePrefix = `test-${randomUUID()}`;
		const facet = new Facet(
			redisUrl,
			queuePrefix,
			{
				REDIS_URL: redisUrl,
				QUEUE_PREFIX: queuePrefix,
				API_PORT: '0',
				WORKER_PORT: '0',
				STORAGE_DIR: join(directory, 'data'),
				TMPDIR: join(directory, 'tmp'),
				SOURCE_ALLOW_NETWORKS: '127.0.0.0/8',
				INFERENCE_THREADS: '1',
				JOB_LOCK_MS: '2000',
				// So that a detector other than the default can be put through the same tests.
				...(process.env.DETECTOR_MODEL && { DETECTOR_MODEL: process.env.DETECTOR_MODEL }),
				...environment,
			},
			directory,
		);
		await Promise.all([facet.startApi(), ...Array.from({ length: workers }, () => facet.startWorker())]);
		return facet;
	}

	async startApi(environment: Environment = {}): Promise<ServiceProcess> {
		const api = this.#spawn('api', environment);
		const { port } = await api.logged('api: listening');
		this.url = `http://127.0.0.1:${port}`;
		await checkAnswersOf(this.url);
		return api;
	}

	async startWorker(environment: Environment = {}): Promise<ServiceProcess> {
		const worker = this.#spawn('worker', environment);
		await worker.logged('worker: ready');
		return worker;
	}

	/** Posts to `/detect_faces`; the body is sent as it is when it is a string. */
	async detect(
		body: unknown,
		headers: Readonly<Record<string, string>> = {},
		path = '/detect_faces',
	): Promise<Answer> {
		const response = await fetch(this.url + path, {
			method: 'POST',
			headers: { 'content-type': 'application/json', ...headers },
			body: typeof body === 'string' ? body : JSON.stringify(body),
		});
		// Tests assert on the body itself; the type names the fields.
		const answer = (await response.json()) as AnswerBody;
		return { status: response.status, headers: response.headers, body: answer };
	}

	/** Names of the temporary files and directories that there are at this moment, at any depth. */
	async temporaryFiles(): Promise<string[]> {
		const names = await readdir(join(this.#directory, 'tmp'), { recursive: true }).catch(() => []);
		// The API's own folder is there for as long as it runs.
		return names.filter((name) => !/^facet-api-[\w-]+$/.test(name));
	}

	/** Command lines of the processes that work on this Facet's temporary files (Linux). */
	async processesOnTemporaryFiles(): Promise<string[]> {
		const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
		const lines = await Promise.all(
			pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
		);
		return lines
			.filter((line) => line.includes(join(this.#directory, 'tmp')))
			.map((line) => line.replaceAll('\0', ' '));
	}

	/** Where the file-system store keeps its objects. */
	get storageDirectory(): string {
		return join(this.#directory, 'data');
	}

	/** Keys of the objects in the file-system store. */
	async storedObjects(): Promise<string[]> {
		const entries = await readdir(this.storageDirectory, { recursive: true, withFileTypes: true });
		return entries
			.filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
			.map((entry) => relative(this.storageDirectory, join(entry.parentPath, entry.name)));
	}

	/** How long a stage of a job took, by the log of its worker. */
	async stageMs(jobId: string, stage: keyof StageTimings): Promise<number> {
		const line = await this.process('worker').logged('job done', (candidate) => candidate.jobId === jobId);
		return stageTimingsSchema.parse(line.timings)[stage];
	}

	/** What is stored of a job that has succeeded. */
	async outcome(jobId: string): Promise<Extract<JobOutcome, { status: 'succeeded' }> | undefined> {
		const outcome = await new ResultStore(this.#redis, { prefix: this.prefix, ttlSeconds: 60 }).get(jobId);
		return outcome?.status === 'succeeded' ? outcome : undefined;
	}

	/** The first line, past or to come, that the API logs with this message. */
	async logged(message: string, matches?: (line: LogLine) => boolean): Promise<LogLine> {
		return this.process('api').logged(message, matches);
	}

	/** The first process of this app that was started. */
	process(app: 'api' | 'worker'): ServiceProcess {
		const process = this.#processes.find((candidate) => candidate.app === app);
		if (process === undefined) throw new Error(`a Facet without a process of ${app}`);
		return process;
	}

	/** All that the processes have logged. */
	get logs(): string {
		return this.#processes.map((process) => process.output).join('\n');
	}

	async stop(): Promise<void> {
		await Promise.all(this.#processes.map((process) => process.end()));
		this.#redis.disconnect();
		await rm(this.#directory, { recursive: true, force: true });
		expectAnswersAsDocumented();
	}

	#spawn(app: 'api' | 'worker', environment: Environment): ServiceProcess {
		const process = ServiceProcess.start(app, { ...this.#environment, ...environment });
		this.#processes.push(process);
		return process;
	}
}
