import { expect, it } from 'vitest';
import { inferenceLauncher } from './inference-launcher.ts';

const PLAIN = { threads: 4, executionProviders: ['cpu'], nodeOptions: ['--max-old-space-size=100'] };

it('limits open files by the number of threads, and the size of files and cores to nothing', () => {
	const [program, ...limits] = inferenceLauncher(PLAIN);
	expect(program).toBe('prlimit');
	expect(limits.sort()).toEqual(['--core=0', '--fsize=0', '--nofile=384']);
});

it.each([
	'--cpu-prof',
	'--heap-prof-dir=/tmp',
	'--prof',
	'--heapsnapshot-signal=SIGUSR2',
	'--report-on-signal',
])('lets the process write files where Node is told to by %s', (option) => {
	const command = inferenceLauncher({ ...PLAIN, nodeOptions: ['--stack-size=900', option] }).join(' ');
	expect(command).toContain('--core=0');
	expect(command).not.toContain('fsize');
});

it('lets the runtimes of graphics cards write files', () => {
	expect(inferenceLauncher({ ...PLAIN, executionProviders: ['cuda', 'cpu'] }).join(' ')).not.toContain(
		'fsize',
	);
});
