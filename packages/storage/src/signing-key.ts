import { randomBytes, randomUUID } from 'node:crypto';
import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError } from '@facet/contracts';
import { hasErrorCode } from './file-errors.ts';

const SIGNING_KEY_FILE = '.signing-key';
/** 32 random bytes in base64url are 43 characters; a key given by hand may be shorter, down to 128 bits in hex. */
const MIN_KEY_LENGTH = 32;

/**
 * The key that this directory's links are signed with; made once, on first use, readable by its owner only.
 *
 * API and workers may start at the same moment, so the file appears whole or not at all: it is written under another
 * name and linked to its own, which fails when another process was first; then that one's key counts.
 *
 * @param directory - the storage directory.
 * @param temporaryDirectory - a directory in the same file system.
 * @throws AppError `storage_unavailable`.
 */
export async function loadSigningKey(directory: string, temporaryDirectory: string): Promise<string> {
	const path = join(directory, SIGNING_KEY_FILE);
	const existing = await readKey(path);
	if (existing !== undefined) return existing;
	const draft = join(temporaryDirectory, `signing-key-${randomUUID()}`);
	try {
		await writeFile(draft, `${randomBytes(32).toString('base64url')}\n`, { flag: 'wx', mode: 0o600 });
		await link(draft, path);
	} catch (error) {
		if (!hasErrorCode(error, 'EEXIST')) {
			throw new AppError('storage_unavailable', { detail: 'could not make the key of links', cause: error });
		}
	} finally {
		await unlink(draft).catch(() => {});
	}
	const key = await readKey(path);
	if (key === undefined) {
		throw new AppError('storage_unavailable', { cause: new Error(`${path} vanished while it was made`) });
	}
	return key;
}

/** @throws RangeError when the key is too short to be a secret. */
export function checkSigningKey(key: string, origin: string): string {
	if (key.length >= MIN_KEY_LENGTH) return key;
	throw new RangeError(
		`Expected at least ${MIN_KEY_LENGTH} characters for ${origin} but received ${key.length}`,
	);
}

async function readKey(path: string): Promise<string | undefined> {
	try {
		return checkSigningKey((await readFile(path, 'utf8')).trim(), path);
	} catch (error) {
		if (hasErrorCode(error, 'ENOENT')) return undefined;
		throw new AppError('storage_unavailable', { cause: error });
	}
}
