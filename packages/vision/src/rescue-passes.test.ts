import { expect, test } from 'vitest';
import { hasFaceElsewhere } from './rescue-passes.ts';

const face = (x: number, y: number, width: number, height: number, score = 0.9) => ({
	box: { x, y, width, height },
	score,
});

// As UltraFace answered a frame of a video, upright and turned by 90 degrees.
const upright = face(61, 60, 108, 154, 0.86);
const browAndChin = [face(62, 40, 117, 133, 0.89), face(33, 139, 127, 107, 0.95)];

test('patterns in a face that is known are no faces elsewhere', () => {
	expect(hasFaceElsewhere(browAndChin, [upright], 0.65)).toBe(false);
});

test('a face beside it is one, where it is sure', () => {
	expect(hasFaceElsewhere([...browAndChin, face(165, 60, 100, 150)], [upright], 0.65)).toBe(true);
	expect(hasFaceElsewhere([...browAndChin, face(165, 60, 100, 150, 0.6)], [upright], 0.65)).toBe(false);
});

test('an unsure face takes no place', () => {
	expect(hasFaceElsewhere(browAndChin, [{ ...upright, score: 0.6 }], 0.65)).toBe(true);
});
