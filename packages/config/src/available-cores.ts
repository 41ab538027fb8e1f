import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';

const CGROUPS = '/sys/fs/cgroup';

/** A file's text, or undefined where there is none. */
export type ReadText = (path: string) => string | undefined;

/**
 * Cores that this process may use: those that it may run on, or fewer where a container is limited to so much time of
 * them. `availableParallelism` of Node 20 knows only the first, and a worker with 64 threads in a container of two cores
 * is stopped for most of each period. Part of a core counts as one: a thread that is stopped now and then does more than
 * none.
 */
export function availableCores(cores = availableParallelism(), read: ReadText = readText): number {
	return Math.max(1, Math.min(cores, Math.ceil(quotaOfVersion2(read) ?? quotaOfVersion1(read) ?? cores)));
}

/** Control groups 2: the smallest `cpu.max` (`200000 100000`, or `max 100000`) of our group and those above it. */
function quotaOfVersion2(read: ReadText): number | undefined {
	const group = /^0::(\/.*)$/m.exec(read('/proc/self/cgroup') ?? '')?.[1];
	if (group === undefined) return undefined;
	const quotas: number[] = [];
	for (let path = group; ; path = dirname(path)) {
		const [, quota, period] = /^(\d+) (\d+)$/m.exec(read(join(CGROUPS, path, 'cpu.max')) ?? '') ?? [];
		if (quota !== undefined && period !== undefined) quotas.push(Number(quota) / Number(period));
		if (path === '/' || path === '.') break;
	}
	return quotas.length > 0 ? Math.min(...quotas) : undefined;
}

/** Control groups 1, as containers see them; a quota of -1 is none. */
function quotaOfVersion1(read: ReadText): number | undefined {
	const quota = Number(read(join(CGROUPS, 'cpu', 'cpu.cfs_quota_us')) ?? -1);
	const period = Number(read(join(CGROUPS, 'cpu', 'cpu.cfs_period_us')) ?? 0);
	return quota > 0 && period > 0 ? quota / period : undefined;
}

function readText(path: string): string | undefined {
	try {
		return readFileSync(path, 'utf8');
	} catch {
		return undefined;
	}
}
