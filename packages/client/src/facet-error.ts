import type { ErrorCode, Fault } from './types.ts';

export interface FacetErrorFields {
	/** HTTP status. */
	readonly status: number;
	/** What happened, where the answer is one of Facet's: a proxy in between may answer something else. */
	readonly code: ErrorCode | undefined;
	readonly detail: string | undefined;
	/** Whether the same request may succeed later. */
	readonly retryable: boolean;
	readonly requestId: string | undefined;
	readonly jobId: string | undefined;
	/** All faults of the request, where it has several. */
	readonly faults: readonly Fault[];
}

/** An answer that is an error: problem details of `/v1`, or the error of `POST /detect_faces`. */
export class FacetError extends Error implements FacetErrorFields {
	override readonly name = 'FacetError';
	readonly status: number;
	readonly code: ErrorCode | undefined;
	readonly detail: string | undefined;
	readonly retryable: boolean;
	readonly requestId: string | undefined;
	readonly jobId: string | undefined;
	readonly faults: readonly Fault[];

	constructor(title: string, fields: FacetErrorFields) {
		super(fields.detail === undefined ? title : `${title}: ${fields.detail}`);
		this.status = fields.status;
		this.code = fields.code;
		this.detail = fields.detail;
		this.retryable = fields.retryable;
		this.requestId = fields.requestId;
		this.jobId = fields.jobId;
		this.faults = fields.faults;
	}

	/**
	 * @param body - the parsed JSON of the answer, or whatever it was.
	 */
	static of(response: Response, body: unknown): FacetError {
		const problem = objectOf(body);
		// The facade has the same in a member of its own.
		const details = 'error' in problem ? objectOf(problem.error) : problem;
		const title = textOf(problem.title) ?? textOf(problem.error_msg) ?? `HTTP ${response.status}`;
		return new FacetError(title, {
			status: response.status,
			// New codes may come with new versions: programs compare, and have a default.
			code: textOf(details.code) as ErrorCode | undefined,
			detail: textOf(details.detail),
			retryable: details.retryable === true || (details.code === undefined && response.status >= 500),
			requestId: textOf(problem.request_id) ?? response.headers.get('x-request-id') ?? undefined,
			jobId: textOf(details.job_id) ?? response.headers.get('x-job-id') ?? undefined,
			faults: Array.isArray(problem.errors) ? (problem.errors as Fault[]) : [],
		});
	}
}

function objectOf(value: unknown): Readonly<Record<string, unknown>> {
	return typeof value === 'object' && value !== null ? { ...value } : {};
}

function textOf(value: unknown): string | undefined {
	return typeof value === 'string' ? value : undefined;
}
