import { main } from './process/main.mjs';
import { runAttached } from './process/run.mjs';
import { prepare } from './provision/prepare.mjs';
import { inRoot } from './root.mjs';

/** Many jobs, and what grows with them; see test/bench/soak.ts. */
await main(async () => {
	await prepare({ redis: true });
	return runAttached(process.execPath, [
		inRoot('test', 'dist', 'bench', 'soak.js'),
		...process.argv.slice(2),
	]);
});
