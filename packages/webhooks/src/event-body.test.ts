import { describe, expect, it } from 'vitest';
import { webhookBody } from './event-body.ts';

const timestampMs = Date.UTC(2026, 0, 2, 3, 4, 5, 6);
const resultUrl = 'https://faces.example.com/v1/jobs/1';

function bodyWith(resultLength: number) {
	const data = { id: '1', status: 'succeeded', result: 'ü'.repeat(resultLength) };
	return webhookBody({ type: 'detection.succeeded', timestampMs, data, resultUrl });
}

describe('webhookBody', () => {
	it('has type, timestamp and data', () => {
		expect(JSON.parse(bodyWith(3))).toEqual({
			type: 'detection.succeeded',
			timestamp: '2026-01-02T03:04:05.006Z',
			data: { id: '1', status: 'succeeded', result: 'üüü' },
		});
	});

	it('stays below 20 kB, counted in bytes, by a link in place of the result', () => {
		const empty = Buffer.byteLength(bodyWith(0));
		const largest = Math.floor((19_999 - empty) / 2);
		expect(Buffer.byteLength(bodyWith(largest))).toBeGreaterThan(19_990);
		expect(JSON.parse(bodyWith(largest)).data).not.toHaveProperty('result_url');
		expect(JSON.parse(bodyWith(largest + 1)).data).toEqual({
			id: '1',
			status: 'succeeded',
			result_url: resultUrl,
		});
	});
});
