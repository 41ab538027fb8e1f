import { existsSync } from 'node:fs';
import { Failure } from './failure.mjs';
import { main } from './process/main.mjs';
import { runAttached } from './process/run.mjs';
import { prepare } from './provision/prepare.mjs';
import { inRoot } from './root.mjs';

await main(async () => {
	const [name = '', ...args] = process.argv.slice(2);
	if (!existsSync(inRoot('test', 'bench', `${name}.ts`))) {
		throw new Failure(`Expected the name of a benchmark in test/bench, got "${name}"`);
	}
	await prepare({ redis: false });
	return runAttached(process.execPath, [inRoot('test', 'dist', 'bench', `${name}.js`), ...args]);
});
