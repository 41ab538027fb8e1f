import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

/** The parts of a signature, from an `Authorization` header or from the query of a presigned link. */
interface Signature {
	readonly credential: string;
	readonly signedHeaders: string;
	readonly signature: string;
	readonly date: string;
	readonly payloadHash: string;
}

/**
 * Whether a request is signed with this secret by AWS Signature Version 4, and not changed since. Written after
 * "Authenticating Requests" of the S3 API reference, independently of the SDK that signs. The payload is taken at its
 * announced hash, and the time is left to the server.
 */
export function isSignedV4(request: IncomingMessage, secretAccessKey: string): boolean {
	const [path = '', query = ''] = (request.url ?? '').split('?', 2);
	const parsed = readSignature(request, new URLSearchParams(query));
	if (parsed === undefined) return false;
	const [, ...scope] = parsed.credential.split('/');
	const canonicalRequest = [
		request.method,
		path,
		query
			.split('&')
			.filter((part) => part !== '' && !part.startsWith('X-Amz-Signature='))
			.map((part) => (part.includes('=') ? part : `${part}=`))
			.sort()
			.join('&'),
		...parsed.signedHeaders.split(';').map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
		'',
		parsed.signedHeaders,
		parsed.payloadHash,
	].join('\n');
	const hash = createHash('sha256').update(canonicalRequest).digest('hex');
	const text = ['AWS4-HMAC-SHA256', parsed.date, scope.join('/'), hash].join('\n');
	const key = scope.reduce<string | Buffer>((secret, part) => hmac(secret, part), `AWS4${secretAccessKey}`);
	const expected = Buffer.from(hmac(key, text).toString('hex'));
	const received = Buffer.from(parsed.signature);
	return expected.length === received.length && timingSafeEqual(expected, received);
}

function readSignature(request: IncomingMessage, query: URLSearchParams): Signature | undefined {
	const header = request.headers.authorization;
	const inHeader = new Map(
		header
			?.replace(/^AWS4-HMAC-SHA256\s+/, '')
			.split(/,\s*/)
			.map((part) => [part.slice(0, part.indexOf('=')), part.slice(part.indexOf('=') + 1)] as const),
	);
	const credential = inHeader.get('Credential') ?? query.get('X-Amz-Credential');
	const signedHeaders = inHeader.get('SignedHeaders') ?? query.get('X-Amz-SignedHeaders');
	const signature = inHeader.get('Signature') ?? query.get('X-Amz-Signature');
	const date = request.headers['x-amz-date'] ?? query.get('X-Amz-Date');
	if (!credential || !signedHeaders || !signature || typeof date !== 'string') return undefined;
	const payloadHash = String(request.headers['x-amz-content-sha256'] ?? 'UNSIGNED-PAYLOAD');
	return { credential, signedHeaders, signature, date, payloadHash };
}

function hmac(key: string | Buffer, text: string): Buffer {
	return createHmac('sha256', key).update(text).digest();
}
