import { describe, expect, it } from 'vitest';
import { RunGate } from './run-gate.ts';

const never = new AbortController().signal;

/** An action that runs until it is told to end. */
function action() {
	let resolve = () => {};
	const promise = new Promise<void>((end) => {
		resolve = end;
	});
	const state = { isRunning: false };
	const run = async () => {
		state.isRunning = true;
		await promise;
		state.isRunning = false;
	};
	return { state, run, end: resolve };
}

/** Lets every promise that can go on do so. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe('RunGate', () => {
	it('runs shared actions side by side, and one that is alone after them and before those to come', async () => {
		const gate = new RunGate();
		const [first, second, lone, later] = [action(), action(), action(), action()];
		const runs = [
			gate.shared(never, first.run),
			gate.shared(never, second.run),
			gate.alone(never, lone.run),
			gate.shared(never, later.run),
		];
		const running = async () => {
			await settled();
			return [first, second, lone, later].map(({ state }) => state.isRunning);
		};
		expect(await running()).toEqual([true, true, false, false]);
		first.end();
		expect(await running()).toEqual([false, true, false, false]);
		second.end();
		expect(await running()).toEqual([false, false, true, false]);
		lone.end();
		expect(await running()).toEqual([false, false, false, true]);
		later.end();
		await Promise.all(runs);
	});

	it('forgets a wait that its signal ends, and lets the next one in', async () => {
		const gate = new RunGate();
		const [first, later] = [action(), action()];
		const controller = new AbortController();
		const running = gate.shared(never, first.run);
		const waiting = gate.alone(controller.signal, () => Promise.reject(new Error('ran')));
		const next = gate.shared(never, later.run);
		controller.abort(new Error('taken away'));
		await expect(waiting).rejects.toThrow('taken away');
		await settled();
		expect(later.state.isRunning).toBe(true);
		first.end();
		later.end();
		await Promise.all([running, next]);
		await expect(gate.alone(controller.signal, async () => {})).rejects.toThrow('taken away');
	});

	it('lets the next one in when an action throws', async () => {
		const gate = new RunGate();
		await expect(gate.alone(never, () => Promise.reject(new Error('broken')))).rejects.toThrow('broken');
		expect(await gate.alone(never, async () => 1)).toBe(1);
	});
});
