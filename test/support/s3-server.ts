import { GenericContainer, getContainerRuntimeClient, Wait } from 'testcontainers';
import { startS3rver } from '../contract/s3rver-server.ts';

/** A store that speaks S3, with an empty or scratch bucket that tests may write to and delete from. */
export interface S3Server {
	/** What it is, for the names of tests. */
	readonly kind: 'S3_ENDPOINT' | 'MinIO' | 's3rver';
	readonly endpoint: string;
	readonly region: string;
	readonly bucket: string;
	readonly forcePathStyle: boolean;
	/** Absent: the SDK's own chain. */
	readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string };
	stop(): Promise<void>;
}

/** The variables with which a Facet keeps its objects there. */
export function s3Environment({
	endpoint,
	region,
	bucket,
	forcePathStyle,
	credentials,
}: S3Server): Record<string, string> {
	return {
		STORAGE_DRIVER: 's3',
		S3_ENDPOINT: endpoint,
		S3_BUCKET: bucket,
		S3_FORCE_PATH_STYLE: String(forcePathStyle),
		AWS_REGION: region,
		...(credentials
			? { AWS_ACCESS_KEY_ID: credentials.accessKeyId, AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey }
			: {}),
	};
}

const MINIO_IMAGE = 'minio/minio:RELEASE.2025-09-07T16-13-09Z';

/**
 * The S3 that tests run against: the one at `S3_ENDPOINT` (with `S3_BUCKET`, `AWS_REGION`, `S3_FORCE_PATH_STYLE` and the
 * usual credentials), else MinIO in a container when a container engine answers, else s3rver in this process. A choice
 * that then does not start is an error: it never falls through to the next.
 */
export async function startS3Server(): Promise<S3Server> {
	const { S3_ENDPOINT, S3_BUCKET = 'facet-test', S3_FORCE_PATH_STYLE, AWS_REGION } = process.env;
	if (S3_ENDPOINT) {
		return {
			kind: 'S3_ENDPOINT',
			endpoint: S3_ENDPOINT,
			region: AWS_REGION ?? 'us-east-1',
			bucket: S3_BUCKET,
			forcePathStyle: S3_FORCE_PATH_STYLE !== 'false',
			stop: async () => {},
		};
	}
	if (await hasContainerEngine()) return startMinio();
	const s3rver = await startS3rver();
	return { kind: 's3rver', region: 'us-east-1', forcePathStyle: true, ...s3rver };
}

async function hasContainerEngine(): Promise<boolean> {
	return getContainerRuntimeClient().then(
		() => true,
		() => false,
	);
}

async function startMinio(): Promise<S3Server> {
	const credentials = { accessKeyId: 'facet-test', secretAccessKey: 'facet-test-secret' };
	const bucket = 'facet-test';
	const container = await new GenericContainer(MINIO_IMAGE)
		.withCommand(['server', '/data'])
		.withEnvironment({
			MINIO_ROOT_USER: credentials.accessKeyId,
			MINIO_ROOT_PASSWORD: credentials.secretAccessKey,
		})
		.withExposedPorts(9000)
		.withWaitStrategy(Wait.forHttp('/minio/health/ready', 9000))
		.start();
	const { accessKeyId, secretAccessKey } = credentials;
	const made = await container.exec([
		'sh',
		'-c',
		`mc alias set test http://127.0.0.1:9000 ${accessKeyId} ${secretAccessKey} && mc mb test/${bucket}`,
	]);
	if (made.exitCode !== 0) {
		await container.stop();
		throw new Error(`Expected MinIO to make the bucket but received: ${made.output}`);
	}
	return {
		kind: 'MinIO',
		endpoint: `http://${container.getHost()}:${container.getMappedPort(9000)}`,
		region: 'us-east-1',
		bucket,
		forcePathStyle: true,
		credentials,
		stop: async () => {
			await container.stop();
		},
	};
}
