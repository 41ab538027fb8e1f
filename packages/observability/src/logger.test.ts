import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';

/** What a logger writes, as objects. */
function written(log: (logger: ReturnType<typeof createLogger>) => void): Record<string, unknown>[] {
	const lines: string[] = [];
	log(createLogger('api', { level: 'debug', destination: { write: (line) => void lines.push(line) } }));
	return lines.map((line) => JSON.parse(line));
}

it.each(['authorization', 'x-api-key', 'cookie', 'secret', 'password', 'signingKey', 'img'])(
	'shows no %s, wherever it stands',
	(field) => {
		const secret = { [field]: 'hush', other: 'shown' };
		const lines = written((logger) => {
			logger.info(secret, 'on the line');
			logger.info({ request: secret }, 'in an object');
			logger.info({ request: { headers: secret, all: [secret] } }, 'in objects of objects');
			logger.child(secret).info('in the fields of a child');
			logger.info({ err: Object.assign(new Error('failed'), secret) }, 'on an error');
			logger.info({ reason: Object.assign(new Error('failed'), secret) }, 'on an error by another name');
		});
		expect(lines).toHaveLength(6);
		expect(JSON.stringify(lines)).not.toContain('hush');
		expect(lines[0]).toMatchObject({ [field]: '[redacted]', other: 'shown' });
		expect(lines[1]).toMatchObject({ request: { [field]: '[redacted]', other: 'shown' } });
		expect(lines[2]).toMatchObject({
			request: {
				headers: { [field]: '[redacted]', other: 'shown' },
				all: [{ [field]: '[redacted]', other: 'shown' }],
			},
		});
		expect(lines[3]).toMatchObject({ [field]: '[redacted]', other: 'shown' });
	},
);

it('leaves what it is given as it is, and takes what goes in circles', () => {
	const fields: Record<string, unknown> = { options: { secret: 'hush' } };
	fields.self = fields;
	const [line] = written((logger) => logger.info(fields, 'done'));
	expect(fields.options).toEqual({ secret: 'hush' });
	expect(line).toMatchObject({ msg: 'done', options: { secret: '[redacted]' } });
});

it('writes an error with its causes, without what libraries hang on theirs', () => {
	const cause = Object.assign(new Error('refused'), { socket: 'hush' });
	const error = Object.assign(new Error('not reached', { cause }), { code: 'ECONNREFUSED' });
	const [line] = written((logger) => logger.warn({ err: error }, 'failed'));
	expect(line?.err).toMatchObject({ type: 'Error', message: 'not reached: refused', code: 'ECONNREFUSED' });
	expect(JSON.stringify(line)).not.toContain('hush');
});
