import { describe, expect, it } from 'vitest';
import { AppError, ERROR_CATALOGUE, isErrorCode } from '../errors.ts';
import { problemSchema, toProblem } from './problem.ts';

const context = { instance: '/v1/jobs', requestId: 'request' };

describe('toProblem', () => {
	it('says what kind of problem it is, and which', () => {
		const error = new AppError('too_many_jobs', { detail: 'expected at most 5', retryAfterSeconds: 3 });
		expect(toProblem(error, { ...context, jobId: 'job' })).toEqual({
			type: 'urn:facet:problem:too_many_jobs',
			title: 'Too many unfinished jobs',
			status: 429,
			detail: 'expected at most 5',
			instance: '/v1/jobs',
			code: 'too_many_jobs',
			retryable: true,
			request_id: 'request',
			job_id: 'job',
		});
	});

	it('names all faults', () => {
		const faults = [
			{ line: 2, detail: 'expected JSON' },
			{ line: 7, pointer: '/url', detail: 'expected a string, received 5' },
		];
		expect(toProblem(new AppError('invalid_request', { faults }), context).errors).toEqual(faults);
	});

	it('has nothing of an inner error', () => {
		const problem = toProblem(AppError.from(new Error('password')), context);
		expect(JSON.stringify(problem)).not.toContain('password');
		expect(problem).not.toHaveProperty('detail');
	});

	it.each(Object.keys(ERROR_CATALOGUE).filter(isErrorCode))('%s is what the schema says', (code) => {
		const problem = toProblem(new AppError(code), context);
		expect(problemSchema.strict().parse(problem)).toEqual(problem);
	});
});
