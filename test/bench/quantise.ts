import { readdir, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { quantiseDetector } from './quantise/quantise-detector.ts';

/**
 * A version of a detector that computes in 8 bits, calibrated on photos:
 * `npm run quantise -- NETWORK.onnx --calibrate DIR --out FILE.onnx [--models-dir DIR]`.
 */

const USAGE = 'npm run quantise -- NETWORK.onnx --calibrate DIR --out FILE.onnx [--models-dir DIR]';
const PHOTO = /\.(jpe?g|png|webp)$/i;

const { values, positionals } = parseArgs({
	allowPositionals: true,
	options: {
		calibrate: { type: 'string' },
		out: { type: 'string' },
		'models-dir': { type: 'string', default: process.env.MODELS_DIR ?? 'models' },
	},
});

const [network] = positionals;
const { calibrate, out } = values;
if (network === undefined || calibrate === undefined || out === undefined) {
	throw new Error(`Expected a network, photos to calibrate it on and a file to write.\nUsage: ${USAGE}`);
}
const photos = (await readdir(calibrate)).filter((name) => PHOTO.test(name)).sort();
if (photos.length === 0) throw new Error(`Expected photos (jpg, png, webp) in ${resolve(calibrate)}`);
const { model, convolutions } = await quantiseDetector({
	modelsDir: resolve(values['models-dir']),
	model: network,
	photos: photos.map((name) => join(calibrate, name)),
});
await writeFile(out, model);
console.log(`${convolutions} convolutions in 8 bits, calibrated on ${photos.length} photos: ${resolve(out)}`);
