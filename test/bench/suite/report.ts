import { z } from 'zod';

/** What `npm run bench -- --json FILE` writes. */

/** A line of a table; every row of a section has the same columns. */
const rowSchema = z.record(z.string(), z.union([z.string(), z.number()]));

/** A figure that was promised. */
const targetSchema = z.object({
	figure: z.string(),
	value: z.number(),
	least: z.number().optional(),
	most: z.number().optional(),
});

const findingsSchema = z.object({
	rows: z.array(rowSchema),
	targets: z.array(targetSchema),
	/** How it was measured, and what could not be. */
	notes: z.array(z.string()),
	/** By names with units, for other programs and for the arithmetic of the capacity section. */
	figures: z.record(z.string(), z.number()),
});

const sectionReportSchema = findingsSchema.extend({
	name: z.string(),
	title: z.string(),
	/** How long the measuring took. */
	seconds: z.number(),
});

export const reportSchema = z.object({
	startedAt: z.iso.datetime(),
	size: z.enum(['full', 'quick']),
	seconds: z.number(),
	machine: z.object({
		processor: z.string(),
		cores: z.int(),
		memoryGiB: z.number(),
		system: z.string(),
		/** Processes that wanted a core in the minute before, on average. */
		loadBefore: z.number(),
	}),
	versions: z.record(z.string(), z.string()),
	sections: z.array(sectionReportSchema),
});

export type Row = z.infer<typeof rowSchema>;
export type Target = z.infer<typeof targetSchema>;
export type Findings = z.infer<typeof findingsSchema>;
export type SectionReport = z.infer<typeof sectionReportSchema>;
export type Report = z.infer<typeof reportSchema>;
