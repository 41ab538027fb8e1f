import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { answerLines } from './answer-lines.mjs';

// BlazeFace and its mesh by WebAssembly with SIMD, in one thread; everything else that it can find is switched off.
const require = createRequire(import.meta.url);
const wasm = require('@tensorflow/tfjs-backend-wasm');
const root = join(dirname(require.resolve('@vladmandic/human')), '..');
const { Human } = require(join(root, 'dist', 'human.node-wasm.js'));

// Its WebAssembly build can only load networks by HTTP.
const models = createServer(({ url = '' }, response) => {
	createReadStream(join(root, 'models', url)).pipe(response);
});
models.listen(0, '127.0.0.1');
await once(models, 'listening');
const off = { enabled: false };
const human = new Human({
	backend: 'wasm',
	debug: false,
	wasmPath: join(dirname(require.resolve('@tensorflow/tfjs-backend-wasm/package.json')), 'dist', '/'),
	modelBasePath: `http://127.0.0.1:${Object(models.address()).port}/`,
	cacheSensitivity: 0,
	filter: off,
	gesture: off,
	body: off,
	hand: off,
	object: off,
	segmentation: off,
	face: {
		enabled: true,
		detector: { maxDetected: 20, rotation: false },
		mesh: { enabled: true },
		iris: off,
		description: off,
		emotion: off,
	},
});
wasm.setThreadsCount(1);
await human.load();
models.close();

await answerLines({ name: '@vladmandic/human', version: human.version }, async ({ path, width, height }) => {
	const image = human.tf.tensor(new Uint8Array(await readFile(path)), [height, width, 3], 'int32');
	const { face } = await human.detect(image);
	human.tf.dispose(image);
	return face.length;
});
