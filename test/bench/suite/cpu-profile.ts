import { z } from 'zod';

/** A `.cpuprofile` as V8 writes it. */
const profileSchema = z.object({
	nodes: z.array(
		z.object({ id: z.int(), callFrame: z.object({ functionName: z.string(), url: z.string() }) }),
	),
	/** Ids of nodes. */
	samples: z.array(z.int()),
	/** Microseconds before each sample. */
	timeDeltas: z.array(z.number()),
});

/** A thread was doing nothing: not part of its work. Piscina's threads wait for their next task by `Atomics.wait`. */
const IDLE = '(idle)';
const WAITING = 'atomicsWaitLoop';

export interface ProfileLine {
	/** Function and file, with the file’s package. */
	readonly where: string;
	readonly ms: number;
}

/** Time by the function that was running, native code that it had called included; most first. */
export function readCpuProfile(json: string): { busyMs: number; lines: ProfileLine[] } {
	const { nodes, samples, timeDeltas } = profileSchema.parse(JSON.parse(json));
	const places = new Map(nodes.map(({ id, callFrame }) => [id, placeOf(callFrame)]));
	const times = new Map<string, number>();
	for (const [index, id] of samples.entries()) {
		const place = places.get(id) ?? IDLE;
		if (place !== IDLE) times.set(place, (times.get(place) ?? 0) + (timeDeltas[index] ?? 0) / 1000);
	}
	const lines = [...times].map(([where, ms]) => ({ where, ms })).sort((a, b) => b.ms - a.ms);
	return { busyMs: lines.reduce((sum, { ms }) => sum + ms, 0), lines };
}

function placeOf({ functionName, url }: { functionName: string; url: string }): string {
	if (functionName === WAITING) return IDLE;
	const file = url.replace(/^.*\/node_modules\//, '').replace(/^file:.*\/(packages|apps)\//, '$1/');
	return file === '' ? functionName : `${functionName || '(anonymous)'} ${file}`;
}
