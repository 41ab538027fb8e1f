import { rm } from 'node:fs/promises';
import { Failure } from '../failure.mjs';
import { megabytes } from '../terminal/amounts.mjs';
import { downloadAndUse } from './download-and-use.mjs';
import { installFile } from './install-file.mjs';
import { takePart } from './part-file.mjs';
import { verifyFile } from './verify-file.mjs';
import { reasonOf, webRequest } from './web-request.mjs';
import { dataOffset, findZipEntry } from './zip-directory.mjs';
import { extractZipEntry, unpack } from './zip-entry.mjs';

/**
 * @typedef {import('./manifest.mjs').Model} Model
 * @typedef {import('./manifest.mjs').ZipSource} ZipSource
 * @typedef {{ modelsDir: string, cacheDir: string, progress: (text: string) => void }} FetchContext
 */

/**
 * Brings a network out of a zip on the web. From a server that does ranges, only the zip's directory and the wanted
 * file are fetched, and the file's hash is the check; from another, the whole zip, whose hash is checked too.
 *
 * @param {ZipSource} source
 * @param {Model} model
 * @param {FetchContext} context
 */
export async function fromZip(source, model, context) {
	const { bytes, doesRanges } = await askFor(source.url);
	const fetchFrom = doesRanges ? fromRanges : fromWholeZip;
	await fetchFrom(source, bytes, model, context);
}

/**
 * The length of the file at an address, and whether its server does ranges. Asked for by its first byte, since not
 * every store does ranges that are counted from the end (Azure's, behind GitHub's releases, does not).
 *
 * @param {string} url
 */
async function askFor(url) {
	const response = await webRequest(url, { range: 'bytes=0-0' }).catch((cause) => {
		throw new Failure(`Cannot download ${url}: ${reasonOf(cause)}`, { cause });
	});
	await response.body?.cancel();
	if (!response.ok) throw new Failure(`Cannot download ${url}: HTTP ${response.status}`);
	const doesRanges = response.status === 206;
	const [, total] = /^bytes 0-0\/(\d+)$/.exec(response.headers.get('content-range') ?? '') ?? [];
	const bytes = Number(doesRanges ? total : response.headers.get('content-length'));
	if (!bytes) throw new Failure(`Cannot download ${url}: its server does not say how long it is`);
	return { bytes, doesRanges };
}

/**
 * @param {ZipSource} source
 * @param {number} zipBytes
 * @param {Model} model
 * @param {FetchContext} context
 */
async function fromRanges({ url, entry: wanted }, zipBytes, model, { modelsDir, cacheDir, progress }) {
	/** @type {import('./zip-directory.mjs').ReadRange} */
	const read = async (start, length) => {
		const response = await webRequest(url, { range: `bytes=${start}-${start + length - 1}` }).catch(
			(cause) => {
				throw new Failure(`Cannot download ${url}: ${reasonOf(cause)}`, { cause });
			},
		);
		if (response.status !== 206) throw new Failure(`Cannot read a part of ${url}: HTTP ${response.status}`);
		return Buffer.from(await response.arrayBuffer());
	};
	progress(`${model.name}: the zip's directory`);
	const entry = await findZipEntry(read, zipBytes, wanted);
	const start = await dataOffset(read, entry);
	const part = await takePart(cacheDir, `${model.file}.packed`);
	const unpacked = await takePart(cacheDir, `${model.file}.unpacked`);
	const bytes = entry.compressedBytes;
	const options = { start, bytes, progress: progressOf(model, bytes, progress) };
	await downloadAndUse(url, part, options, async () => {
		try {
			await unpack(entry, part, {}, unpacked, model.bytes);
			await installFile(unpacked, model, modelsDir, url);
		} finally {
			await rm(unpacked, { force: true });
		}
	});
	await rm(part, { force: true });
}

/**
 * @param {ZipSource} source
 * @param {number} bytes
 * @param {Model} model
 * @param {FetchContext} context
 */
async function fromWholeZip({ url, sha256, entry }, bytes, model, { modelsDir, cacheDir, progress }) {
	const part = await takePart(cacheDir, `${model.file}.zip`);
	const unpacked = await takePart(cacheDir, `${model.file}.unpacked`);
	await downloadAndUse(url, part, { bytes, progress: progressOf(model, bytes, progress) }, async () => {
		const fault = await verifyFile(part, { sha256 });
		if (fault) throw new Failure(`Refused ${url}: ${fault}`);
		try {
			await extractZipEntry(part, entry, unpacked, model.bytes);
			await installFile(unpacked, model, modelsDir, url);
		} finally {
			await rm(unpacked, { force: true });
		}
	});
	await rm(part, { force: true });
}

/**
 * @param {Model} model
 * @param {number} bytes
 * @param {(text: string) => void} progress
 */
function progressOf({ name }, bytes, progress) {
	return (/** @type {number} */ received) =>
		progress(`${name}: ${megabytes(received)} of ${megabytes(bytes)}`);
}
