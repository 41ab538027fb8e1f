import { describe, expect, it } from 'vitest';
import { confinedArguments, confineProcesses, parseCeilings } from './confined-process.ts';

const OWN_LIMITS = `Limit                     Soft Limit           Hard Limit           Units     
Max cpu time              unlimited            unlimited            seconds   
Max file size             unlimited            unlimited            bytes     
Max core file size        0                    unlimited            bytes     
Max processes             100                  200                  processes 
Max open files            20                   30                   files     
Max address space         unlimited            1000000              bytes     
Max realtime priority     0                    0                    
`;

describe('limits of processes', () => {
	it('are read as the kernel prints them', () => {
		expect(Object.fromEntries(parseCeilings(OWN_LIMITS))).toEqual({
			as: 1_000_000,
			cpu: Number.POSITIVE_INFINITY,
			fsize: Number.POSITIVE_INFINITY,
			nofile: 30,
			nproc: 200,
			core: Number.POSITIVE_INFINITY,
		});
		expect(parseCeilings('').size).toBe(0);
	});

	it('are put before the program’s arguments', () => {
		const areSet = confineProcesses({ memoryBytes: 123_456_789, cpuSeconds: 77 });
		const [mark, limits = '', program] = confinedArguments('ffprobe', 5000);
		expect([mark, program]).toEqual(['-confined', 'ffprobe']);
		expect(areSet).toBe(limits !== 'none');
		if (areSet)
			expect(limits.split(',')).toEqual(expect.arrayContaining(['--cpu=77', '--fsize=5000', '--core=0']));
	});
});
