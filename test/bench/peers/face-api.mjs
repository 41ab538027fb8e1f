import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { answerLines } from './answer-lines.mjs';

// SSD MobileNet and 68 landmarks by WebAssembly with SIMD, in one thread.
const require = createRequire(import.meta.url);
const folderOf = (/** @type {string} */ name) => dirname(require.resolve(`${name}/package.json`));
const tf = require('@tensorflow/tfjs');
const wasm = require('@tensorflow/tfjs-backend-wasm');
const faceApi = require(join(folderOf('@vladmandic/face-api'), 'dist', 'face-api.node-wasm.js'));

wasm.setThreadsCount(1);
wasm.setWasmPaths(join(folderOf('@tensorflow/tfjs-backend-wasm'), 'dist', '/'));
await tf.setBackend('wasm');
await tf.ready();
const models = join(folderOf('@vladmandic/face-api'), 'model');
await faceApi.nets.ssdMobilenetv1.loadFromDisk(models);
await faceApi.nets.faceLandmark68Net.loadFromDisk(models);
const options = new faceApi.SsdMobilenetv1Options({ minConfidence: 0.5, maxResults: 100 });

await answerLines(
	{ name: '@vladmandic/face-api', version: faceApi.version },
	async ({ path, width, height }) => {
		const image = tf.tensor3d(new Int32Array(await readFile(path)), [height, width, 3], 'int32');
		const faces = await faceApi.detectAllFaces(image, options).withFaceLandmarks();
		image.dispose();
		return faces.length;
	},
);
