import { expect, it } from 'vitest';
import { JobListeners } from './job-listeners.ts';

it('tells those who listen to a job, and nobody else', () => {
	const listeners = new JobListeners<string>();
	const heard: string[] = [];
	const stop = listeners.add('a', (event) => heard.push(`first ${event}`));
	listeners.add('a', (event) => heard.push(`second ${event}`));
	listeners.add('b', (event) => heard.push(`other ${event}`));
	listeners.tell('a', '1');
	stop();
	listeners.tell('a', '2');
	listeners.tell('c', '3');
	expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
	expect(listeners.jobIds).toEqual(['a', 'b']);
	expect([listeners.has('a'), listeners.has('c')]).toEqual([true, false]);
});

it('keeps who has come since when another one is taken off twice', () => {
	const listeners = new JobListeners<string>();
	const heard: string[] = [];
	const stop = listeners.add('a', () => {});
	stop();
	expect(listeners.isEmpty).toBe(true);
	listeners.add('a', (event) => heard.push(event));
	stop();
	listeners.tell('a', 'still here');
	expect(heard).toEqual(['still here']);
});
