import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { batchSection } from './sections/batch.ts';
import { boundSection } from './sections/bound.ts';
import { capacitySection } from './sections/capacity.ts';
import { memorySection } from './sections/memory.ts';
import { peersSection } from './sections/peers.ts';
import { queueSection } from './sections/queue.ts';
import { scalingSection } from './sections/scaling.ts';
import { serviceSection } from './sections/service.ts';
import { syncSection } from './sections/sync.ts';
import { videoSection } from './sections/video.ts';
import { Bench, type Section } from './suite/bench.ts';
import { BenchRedis } from './suite/bench-redis.ts';
import { FULL, QUICK } from './suite/bench-size.ts';
import { describeMachine, describeVersions } from './suite/machine.ts';
import { renderMachine, renderSection } from './suite/markdown.ts';
import { PhotoSource } from './suite/photo-source.ts';
import type { Report, SectionReport } from './suite/report.ts';
import { rounded } from './suite/statistics.ts';
import { writeIntoDocument } from './suite/write-into-document.ts';

/**
 * All figures of docs/performance.md, from one run on one machine:
 * `npm run bench -- [--only bound,service,…] [--quick] [--json FILE] [--write docs/performance.md]`.
 */

/** In this order; the last works with what the others have found. */
const SECTIONS: readonly Section[] = [
	boundSection,
	serviceSection,
	syncSection,
	videoSection,
	batchSection,
	scalingSection,
	queueSection,
	peersSection,
	memorySection,
	capacitySection,
];

const { values } = parseArgs({
	options: {
		only: { type: 'string' },
		quick: { type: 'boolean', default: false },
		json: { type: 'string' },
		/** A document whose places for figures are filled. */
		write: { type: 'string' },
	},
});
if (values.write !== undefined && (values.quick || values.only !== undefined))
	throw new RangeError('Expected --write without --quick and --only: the page shows one whole run');
const sections = sectionsOf(values.only);
const size = values.quick ? QUICK : FULL;
const startedAt = new Date();
const machine = describeMachine();
const redis = await BenchRedis.start();
const photos = await PhotoSource.start();
const bench = new Bench(size, redis, photos);
const reports: SectionReport[] = [];
try {
	const versions = await describeVersions(redis.client);
	for (const section of sections) {
		const report = await measure(section);
		reports.push(report);
		console.log(`${renderSection(report)}\n`);
	}
	const report: Report = {
		startedAt: startedAt.toISOString(),
		size: size.name,
		seconds: rounded((Date.now() - startedAt.getTime()) / 1000),
		machine,
		versions,
		sections: reports,
	};
	console.log(renderMachine(report));
	if (values.json !== undefined)
		await writeFile(resolve(values.json), `${JSON.stringify(report, null, '\t')}\n`);
	if (values.write !== undefined) {
		const document = resolve(values.write);
		await writeFile(document, writeIntoDocument(await readFile(document, 'utf8'), report));
	}
} finally {
	await bench.close();
	await photos.close();
	await redis.stop();
}

async function measure({ name, title, run }: Section): Promise<SectionReport> {
	const sectionStartedAt = performance.now();
	try {
		const findings = await run(bench);
		Object.assign(bench.figures, findings.figures);
		return { name, title, seconds: rounded((performance.now() - sectionStartedAt) / 1000), ...findings };
	} finally {
		await bench.closeServices();
	}
}

function sectionsOf(only: string | undefined): readonly Section[] {
	if (only === undefined) return SECTIONS;
	const wanted = only.split(',');
	const unknown = wanted.filter((name) => !SECTIONS.some((section) => section.name === name));
	if (unknown.length === 0) return SECTIONS.filter(({ name }) => wanted.includes(name));
	const known = SECTIONS.map(({ name }) => name).join(', ');
	throw new RangeError(`Expected sections of ${known} but received ${unknown.join(', ')}`);
}
