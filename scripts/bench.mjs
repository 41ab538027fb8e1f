import { existsSync } from 'node:fs';
import { Failure } from './failure.mjs';
import { main } from './process/main.mjs';
import { runAttached } from './process/run.mjs';
import { prepare } from './provision/prepare.mjs';
import { inRoot } from './root.mjs';

// With a name, one benchmark of test/bench; without, all that docs/performance.md shows.
await main(async () => {
	const args = process.argv.slice(2);
	const name = args[0] === undefined || args[0].startsWith('-') ? 'main' : args.shift();
	if (!existsSync(inRoot('test', 'bench', `${name}.ts`))) {
		throw new Failure(`Expected the name of a benchmark in test/bench, got "${name}"`);
	}
	await prepare({ redis: name === 'main' });
	return runAttached(process.execPath, [inRoot('test', 'dist', 'bench', `${name}.js`), ...args]);
});
