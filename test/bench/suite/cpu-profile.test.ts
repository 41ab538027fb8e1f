import { expect, test } from 'vitest';
import { readCpuProfile } from './cpu-profile.ts';

test('time goes to the function that ran, and none to idleness', () => {
	const node = (id: number, functionName: string, url = '') => ({ id, callFrame: { functionName, url } });
	const json = JSON.stringify({
		nodes: [
			node(1, '(idle)'),
			node(2, 'run', 'file:///srv/facet/node_modules/onnxruntime-node/dist/backend.js'),
			node(3, 'detect', 'file:///srv/facet/packages/vision/dist/face-detector.js'),
			node(4, 'run', 'file:///srv/facet/node_modules/onnxruntime-node/dist/backend.js'),
			node(5, 'atomicsWaitLoop', 'file:///srv/facet/node_modules/piscina/dist/worker.js'),
		],
		samples: [1, 2, 3, 4, 2, 5],
		timeDeltas: [5000, 1000, 500, 2000, 3000, 7000],
	});
	expect(readCpuProfile(json)).toEqual({
		busyMs: 6.5,
		lines: [
			{ where: 'run onnxruntime-node/dist/backend.js', ms: 6 },
			{ where: 'detect packages/vision/dist/face-detector.js', ms: 0.5 },
		],
	});
});
