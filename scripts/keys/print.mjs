import { bold, dim } from '../terminal/colour.mjs';

/** @typedef {import('../../packages/queue/dist/index.js').CallerRecord} CallerRecord */

/** @param {{ key?: string | undefined, secret?: string | undefined }} secrets */
export function printSecrets({ key, secret }) {
	if (key !== undefined) console.log(`  key             ${bold(key)}`);
	if (secret !== undefined) console.log(`  webhook secret  ${bold(secret)}`);
}

/** @param {readonly CallerRecord[]} callers */
export function printCallers(callers) {
	if (callers.length === 0) {
		console.log('No keys yet: `npm run keys -- create --name NAME` makes one.');
		return;
	}
	const rows = [
		['id', 'made', 'requests a minute', 'jobs in flight', 'state', 'name'],
		...callers.map((caller) => [
			caller.id,
			new Date(caller.createdAt).toISOString().slice(0, 10),
			requests(caller.rateLimitPerMinute),
			caller.maxJobsInFlight === undefined ? 'any' : String(caller.maxJobsInFlight),
			caller.revokedAt === undefined
				? 'valid'
				: `revoked ${new Date(caller.revokedAt).toISOString().slice(0, 10)}`,
			caller.name,
		]),
	];
	const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
	for (const [index, row] of rows.entries()) {
		const line = row
			.map((cell, column) => cell.padEnd(widths[column] ?? 0))
			.join('  ')
			.trimEnd();
		console.log(index === 0 ? dim(line) : line);
	}
}

/** @param {number | undefined} limit */
function requests(limit) {
	if (limit === undefined) return 'default';
	return limit === 0 ? 'any' : String(limit);
}
