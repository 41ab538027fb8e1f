import { AppError } from '@facet/contracts';

/** Whether the error is a system error of Node with one of these codes. */
export function hasErrorCode(error: unknown, ...codes: string[]): boolean {
	return error instanceof Error && 'code' in error && codes.some((code) => error.code === code);
}

/**
 * A failed file operation as an AppError. What a reader cannot find is `not_found` (a name that is a folder, or lies
 * below a file, too); all else that a disk says (full, read-only, gone, not ours) means that the store is unavailable.
 */
export function toReadError(error: unknown, key: string): AppError {
	if (error instanceof AppError) return error;
	return hasErrorCode(error, 'ENOENT', 'ENOTDIR', 'EISDIR')
		? new AppError('not_found', { detail: `no object ${key}`, cause: error })
		: new AppError('storage_unavailable', { cause: error });
}

/** A failed write, rename or deletion as an AppError. */
export function toWriteError(error: unknown, key: string): AppError {
	if (error instanceof AppError) return error;
	return hasErrorCode(error, 'ENOTDIR', 'EISDIR', 'EEXIST', 'ENOTEMPTY')
		? new AppError('invalid_request', {
				detail: `object key: ${key} is a folder of other objects, or lies below one`,
				cause: error,
			})
		: new AppError('storage_unavailable', { cause: error });
}
