import {
	GetBucketLifecycleConfigurationCommand,
	type LifecycleRule,
	PutBucketLifecycleConfigurationCommand,
	type S3Client,
} from '@aws-sdk/client-s3';
import type { Logger } from '@facet/contracts';
import { isS3Error } from './s3-errors.ts';

/** The tag that every object carries, and that the bucket's lifecycle rule looks for. */
export const EXPIRY_TAG = { Key: 'facet-expires', Value: 'true' } as const;
const RULE_ID = 'facet-expires';

/**
 * The bucket's rules with ours among them, or undefined when they hold it already. Rules of others stay as they are.
 *
 * @param days - whole days, the unit of lifecycle rules.
 */
export function withExpiryRule(rules: readonly LifecycleRule[], days: number): LifecycleRule[] | undefined {
	const ours = rules.find((rule) => rule.ID === RULE_ID);
	if (ours?.Status === 'Enabled' && ours.Expiration?.Days === days) return undefined;
	return [
		...rules.filter((rule) => rule !== ours),
		{ ID: RULE_ID, Status: 'Enabled', Filter: { Tag: EXPIRY_TAG }, Expiration: { Days: days } },
	];
}

/**
 * Makes the bucket delete tagged objects some days after they were written. Many installations may not or cannot set
 * lifecycle rules (no permission, no such feature); they are told once in the log and go on, so this never rejects.
 *
 * A bucket has one configuration that is replaced as a whole: whoever edits it by hand at the same instant may lose
 * the edit. Any number of our own processes write the same.
 */
export async function ensureLifecycleRule(
	client: S3Client,
	bucket: string,
	ttlSeconds: number,
	logger: Logger,
): Promise<void> {
	const days = Math.max(1, Math.ceil(ttlSeconds / 86_400));
	try {
		const { rules, minimumSize } = await readRules(client, bucket);
		const changed = withExpiryRule(rules, days);
		if (changed === undefined) return;
		await client.send(
			new PutBucketLifecycleConfigurationCommand({
				Bucket: bucket,
				LifecycleConfiguration: { Rules: changed },
				TransitionDefaultMinimumObjectSize: minimumSize,
			}),
		);
		logger.info({ bucket, days }, 'lifecycle rule set');
	} catch (error) {
		logger.warn(
			{ bucket, days, err: error },
			`could not set the lifecycle rule: objects tagged ${EXPIRY_TAG.Key}=${EXPIRY_TAG.Value} stay until someone deletes them`,
		);
	}
}

async function readRules(client: S3Client, bucket: string) {
	try {
		const current = await client.send(new GetBucketLifecycleConfigurationCommand({ Bucket: bucket }));
		return { rules: current.Rules ?? [], minimumSize: current.TransitionDefaultMinimumObjectSize };
	} catch (error) {
		if (isS3Error(error, 'NoSuchLifecycleConfiguration')) return { rules: [], minimumSize: undefined };
		throw error;
	}
}
