import { expect, it } from 'vitest';
import { cropRegion } from './crop-region.ts';

const box = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });

it('grows the documented region by a third of its width on all sides', () => {
	expect(cropRegion(box(80, 50, 150, 180), { width: 1000, height: 1000 })).toEqual(box(30, 0, 250, 280));
});

it('stays inside the picture', () => {
	expect(cropRegion(box(10, 20, 90, 90), { width: 120, height: 130 })).toEqual(box(0, 0, 120, 130));
});

it('is made of whole pixels', () => {
	expect(cropRegion(box(100.4, 100.6, 30.3, 40.2), { width: 500, height: 500 })).toEqual(box(90, 91, 51, 60));
});
