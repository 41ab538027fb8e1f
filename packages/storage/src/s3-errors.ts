import { S3ServiceException } from '@aws-sdk/client-s3';
import { AppError } from '@facet/contracts';

/** Whether the store answered with one of these error codes. */
export function isS3Error(error: unknown, ...codes: string[]): error is S3ServiceException {
	return error instanceof S3ServiceException && codes.includes(error.name);
}

/** Whether the store answered that it does not know the feature that the request asked for. */
export function isNotImplemented(error: unknown): boolean {
	return (
		error instanceof S3ServiceException &&
		(error.name === 'NotImplemented' || error.$metadata.httpStatusCode === 501)
	);
}

/**
 * A failed request as an AppError. Only a missing object is the request's own; no connection, no such bucket, no
 * permission, wrong credentials and 5xx all mean that the store cannot be used as configured. Note that AWS answers
 * AccessDenied for a missing object as long as the credentials lack `s3:ListBucket`. `NotFound` is what the SDK makes of a
 * 404 without a body, the answer to HEAD.
 */
export function toS3AppError(error: unknown, key?: string): AppError {
	if (error instanceof AppError) return error;
	return isS3Error(error, 'NoSuchKey', 'NotFound')
		? new AppError('not_found', { detail: `no object ${key}`, cause: error })
		: new AppError('storage_unavailable', { cause: error });
}
