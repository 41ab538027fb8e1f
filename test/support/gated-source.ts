import { startHttpServer } from './http-server.ts';

export interface GatedSource {
	/** Base of URLs that all lead to the same file. */
	readonly url: string;
	/** Resolves when so many requests have come. */
	arrived(count: number): Promise<void>;
	/** Answers all that wait, and from now on everyone. */
	open(): void;
	/** Keeps those waiting who come from now on. */
	shut(): void;
	close(): Promise<void>;
}

/** A host of media that keeps its callers waiting until it is opened: their jobs run for as long as a test wants. */
export async function startGatedSource(file: Buffer): Promise<GatedSource> {
	const held: (() => void)[] = [];
	const watchers = new Set<() => void>();
	let isOpen = false;
	let requests = 0;
	const server = await startHttpServer((_request, response) => {
		requests += 1;
		for (const check of watchers) check();
		const answer = () => response.end(file);
		if (isOpen) answer();
		else held.push(answer);
	});
	return {
		...server,
		arrived: (count) =>
			new Promise((resolve) => {
				const check = () => {
					if (requests < count) return;
					watchers.delete(check);
					resolve();
				};
				watchers.add(check);
				check();
			}),
		open: () => {
			isOpen = true;
			for (const answer of held.splice(0)) answer();
		},
		shut: () => {
			isOpen = false;
		},
	};
}
