import { expect, it } from 'vitest';
import { inferenceLauncher } from './inference-launcher.ts';

it('limits open files by the number of threads, and the size of files and cores to nothing', () => {
	const [program, ...limits] = inferenceLauncher(4, []);
	expect(program).toBe('prlimit');
	expect(limits.sort()).toEqual(['--core=0', '--fsize=0', '--nofile=384']);
	expect(inferenceLauncher(2, ['--max-old-space-size=100'])).toContain('--fsize=0');
});

it.each([
	'--cpu-prof',
	'--heap-prof-dir=/tmp',
	'--prof',
	'--heapsnapshot-signal=SIGUSR2',
	'--report-on-signal',
])('lets the process write files where Node is told to by %s', (option) => {
	const command = inferenceLauncher(4, ['--stack-size=900', option]).join(' ');
	expect(command).toContain('--core=0');
	expect(command).not.toContain('fsize');
});
