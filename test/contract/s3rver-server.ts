import { type createCipheriv, createHash } from 'node:crypto';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import S3rver from 's3rver';
import { isSignedV4 } from './signature-v4.ts';

/** The only account that s3rver knows. */
const ACCOUNT = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' } as const;
const BUCKET = 'facet-test';
/** S3 may list fewer objects at once than asked for; small pages show that a client reads on. */
const PAGE_SIZE = 10;
let desReplaced = false;

export interface S3rverOptions {
	/** Answer 501 to objects with tags, as Cloudflare R2 does. */
	readonly refuseTags?: boolean;
}

/**
 * s3rver, held to what S3 promises where it falls short: requests that are not signed, or were changed after, get 403
 * (s3rver computes no Version 4 signature); an object appears whole or not at all (s3rver writes in place); and what
 * goes on at once does not mix (s3rver may send the length of one version with the bytes of another). Its listings of
 * more than a page fail on today's OpenSSL; they work here.
 */
export async function startS3rver({ refuseTags = false }: S3rverOptions = {}) {
	const directory = await mkdtemp(join(tmpdir(), 'facet-s3rver-'));
	const s3rver = new S3rver({
		directory,
		silent: true,
		vhostBuckets: false,
		configureBuckets: [{ name: BUCKET }],
	});
	await s3rver.configureBuckets();
	storeWhole(s3rver);
	replaceDes();
	const handle = s3rver.callback();
	const taggedRequests: string[] = [];
	const server = createServer((request, response) => {
		if (!isSignedV4(request, ACCOUNT.secretAccessKey)) return refuse(response, 403, 'SignatureDoesNotMatch');
		const tags = request.headers['x-amz-tagging'];
		if (tags !== undefined) taggedRequests.push(String(tags));
		if (tags !== undefined && refuseTags) {
			request.resume();
			return refuse(response, 501, 'NotImplemented');
		}
		handle(request, response);
	});
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	const { port } = server.address() as AddressInfo;
	return {
		endpoint: `http://127.0.0.1:${port}`,
		bucket: BUCKET,
		credentials: ACCOUNT,
		/** The `x-amz-tagging` headers that came, in order. */
		taggedRequests,
		async stop() {
			await new Promise((resolve) => {
				server.close(resolve);
				server.closeAllConnections();
			});
			s3rver.logger.exceptions.unhandle();
			s3rver.logger.close();
			await rm(directory, { recursive: true, force: true });
		},
	};
}

function refuse(response: ServerResponse, status: number, code: string): void {
	response.writeHead(status, { 'Content-Type': 'application/xml' });
	response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code></Error>`);
}

/** Replaces the parts of s3rver's store that are not safe against each other. */
function storeWhole({ store }: S3rver): void {
	let last: Promise<unknown> = Promise.resolve();
	const oneByOne = <T>(operation: () => Promise<T>): Promise<T> => {
		const next = last.then(operation, operation);
		last = next.catch(() => {});
		return next;
	};
	const getObject = store.getObject.bind(store);
	const deleteObject = store.deleteObject.bind(store);
	const listObjects = store.listObjects.bind(store);
	// A read is over for the lock once its file is open: the rename below leaves open files as they are.
	store.getObject = (bucket, key, options) => oneByOne(() => getObject(bucket, key, options));
	store.deleteObject = (bucket, key) => oneByOne(() => deleteObject(bucket, key));
	// In the order of the keys, as S3 lists; s3rver cuts a page from the order of the directory.
	store.listObjects = (bucket, options) =>
		oneByOne(async () => {
			const maxKeys = Math.min(options.maxKeys ?? PAGE_SIZE, PAGE_SIZE);
			const all = await listObjects(bucket, { ...options, maxKeys: Number.POSITIVE_INFINITY });
			const sorted = all.objects.toSorted((a, b) => (a.key < b.key ? -1 : 1));
			return { ...all, objects: sorted.slice(0, maxKeys), isTruncated: sorted.length > maxKeys };
		});
	store.putObject = async ({ bucket, key, content, metadata }) => {
		// Rejects when the client goes away midway, before anything is written.
		const chunks: Uint8Array[] = [];
		for await (const chunk of content) chunks.push(chunk);
		const bytes = Buffer.concat(chunks);
		const md5 = createHash('md5').update(bytes).digest('hex');
		return oneByOne(async () => {
			const path = store.getResourcePath(bucket, key, 'object');
			await mkdir(dirname(path), { recursive: true });
			await writeFile(`${path}.part`, bytes);
			await rename(`${path}.part`, path);
			await store.putMetadata(bucket, key, metadata, md5);
			return { size: bytes.length, md5 };
		});
	};
}

/** s3rver hides the place in a listing with DES, which OpenSSL 3 does not have: it gets AES, whoever else asks for DES too. */
function replaceDes(): void {
	if (desReplaced) return;
	desReplaced = true;
	const crypto: { createCipheriv: typeof createCipheriv; createDecipheriv: typeof createCipheriv } =
		createRequire(import.meta.url)('node:crypto');
	for (const name of ['createCipheriv', 'createDecipheriv'] as const) {
		const original = crypto[name];
		const twice = (half: Uint8Array) => Buffer.concat([half, half]);
		crypto[name] = new Proxy(original, {
			apply: (make, self, [algorithm, key, iv]) =>
				algorithm === 'des'
					? Reflect.apply(make, self, ['aes-128-cbc', twice(key), twice(iv)])
					: Reflect.apply(make, self, [algorithm, key, iv]),
		});
	}
}
