import { availableParallelism } from 'node:os';
import { describe, expect, it } from 'vitest';
import { availableCores } from './available-cores.ts';

const reading = (files: Record<string, string>) => (path: string) => files[path];

describe('availableCores', () => {
	it.each([1, 2, 64])('is %i without a limit', (cores) => {
		expect(availableCores(cores, reading({}))).toBe(cores);
		const free = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': 'max 100000\n' };
		expect(availableCores(cores, reading(free))).toBe(cores);
	});

	it.each([
		['200000 100000', 2],
		['150000 100000', 2],
		['20000 100000', 1],
		['6400000 50000', 64],
	])('is what a container with cpu.max %s has of 64', (limit, cores) => {
		const files = { '/proc/self/cgroup': '0::/\n', '/sys/fs/cgroup/cpu.max': `${limit}\n` };
		expect(availableCores(64, reading(files))).toBe(cores);
	});

	it('looks at the groups above, too', () => {
		const files = {
			'/proc/self/cgroup': '0::/kubepods/pod1/worker\n',
			'/sys/fs/cgroup/kubepods/pod1/worker/cpu.max': '800000 100000\n',
			'/sys/fs/cgroup/kubepods/pod1/cpu.max': '400000 100000\n',
			'/sys/fs/cgroup/kubepods/cpu.max': 'max 100000\n',
		};
		expect(availableCores(64, reading(files))).toBe(4);
	});

	it('knows the limits of control groups 1', () => {
		const files = {
			'/proc/self/cgroup': '4:cpu,cpuacct:/docker/1\n',
			'/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '300000\n',
			'/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000\n',
		};
		expect(availableCores(64, reading(files))).toBe(3);
		expect(availableCores(64, reading({ ...files, '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1\n' }))).toBe(64);
	});

	it('finds no more than there are on this machine', () => {
		expect(availableCores()).toBeGreaterThanOrEqual(1);
		expect(availableCores()).toBeLessThanOrEqual(availableParallelism());
	});
});
