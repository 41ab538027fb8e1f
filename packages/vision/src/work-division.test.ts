import { setTimeout as delay } from 'node:timers/promises';
import type { RgbImage } from '@facet/contracts';
import { expect, test } from 'vitest';
import { undivided } from './work-division.ts';

const PICTURE: RgbImage = { data: Uint8Array.of(7, 8, 9), width: 1, height: 1 };

test('undivided work is done part by part', async () => {
	const running: number[] = [];
	const divided = undivided.divide('look', async (_image: RgbImage, part: number) => {
		running.push(part);
		await delay(1);
		running.splice(running.indexOf(part), 1);
		return running.length;
	});
	expect(await divided(PICTURE, [0, 1, 2, 3, 4])).toEqual([0, 0, 0, 0, 0]);
});
