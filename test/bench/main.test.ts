import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { reportSchema } from './suite/report.ts';
import { writeIntoDocument } from './suite/write-into-document.ts';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../', import.meta.url));
/** Processes start nine times over; on a busy machine that is what takes the time. */
const TIMEOUT_MS = 900_000;

test(
	'the benchmark runs through and reports every section, as JSON and as tables',
	async () => {
		const directory = await mkdtemp(join(tmpdir(), 'facet-bench-test-'));
		try {
			const file = join(directory, 'report.json');
			const main = join(root, 'test/dist/bench/main.js');
			const { stdout } = await run(process.execPath, [main, '--quick', '--json', file], { cwd: root });
			const report = reportSchema.parse(JSON.parse(await readFile(file, 'utf8')));

			expect(report.size).toBe('quick');
			expect(report.machine.cores).toBeGreaterThan(0);
			expect(Object.keys(report.versions)).toEqual(
				expect.arrayContaining(['node', 'onnxruntime-node', 'sharp', 'bullmq', 'redis', 'ffmpeg']),
			);
			expect(report.sections.map(({ name }) => name)).toEqual(
				'bound service sync video batch scaling queue peers memory capacity'.split(' '),
			);
			for (const { name, rows, targets, figures } of report.sections) {
				expect(rows, name).not.toHaveLength(0);
				const [columns] = rows.map((row) => Object.keys(row));
				for (const row of rows) expect(Object.keys(row), name).toEqual(columns);
				for (const value of [...targets.map((target) => target.value), ...Object.values(figures)])
					expect(value, name).toBeGreaterThan(Number.NEGATIVE_INFINITY);
				expect(stdout).toContain(`(\`${name}\`)`);
			}
			const kinds = report.sections.find(({ name }) => name === 'sync')?.rows.map(({ clients }) => clients);
			expect(kinds).toEqual(['bare pipeline', 1, 2, 8, 32]);

			const document =
				'On\n<!-- bench:machine -->\nold\n<!-- /bench -->\nthis\n<!-- bench:other -->\nstays\n<!-- /bench -->';
			const written = writeIntoDocument(document, report);
			expect(written).toContain(`${report.machine.cores} cores`);
			expect(written).not.toContain('old');
			expect(written).toContain('stays');
			expect(writeIntoDocument(written, report)).toBe(written);
		} finally {
			await rm(directory, { recursive: true, force: true });
		}
	},
	TIMEOUT_MS,
);

test('a section that there is not is named', async () => {
	const main = join(root, 'test/dist/bench/main.js');
	await expect(run(process.execPath, [main, '--only', 'bound,speed'], { cwd: root })).rejects.toThrow(
		/received speed/,
	);
});
