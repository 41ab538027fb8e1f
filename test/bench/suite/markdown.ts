import type { Report, Row, SectionReport, Target } from './report.ts';

/** Machine and versions, on top of the figures. */
export function renderMachine({ machine, versions, size, startedAt, seconds }: Report): string {
	const { processor, cores, memoryGiB, system, loadBefore } = machine;
	const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
	return [
		`${processor}, ${cores} cores, ${memoryGiB} GiB, ${system}; load before: ${loadBefore}.`,
		`${names.join(', ')}.`,
		`${startedAt.slice(0, 10)}, size ${size}, ${Math.round(seconds / 60)} minutes.`,
	].join('\n');
}

/** A section's title, table, notes and targets. */
export function renderSection(section: SectionReport): string {
	return `## ${section.title} (\`${section.name}\`)\n\n${renderFindings(section)}`;
}

/** A section without its title. */
export function renderFindings({ rows, notes, targets }: SectionReport): string {
	const parts = [renderTable(rows), notes.join('\n'), targets.map(renderTarget).join('\n')];
	return parts.filter((part) => part !== '').join('\n\n');
}

function renderTable(rows: readonly Row[]): string {
	const [first] = rows;
	if (first === undefined) return '';
	const columns = Object.keys(first);
	const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`;
	return [
		line(columns),
		line(columns.map(() => '---')),
		...rows.map((row) => line(columns.map((column) => row[column] ?? ''))),
	].join('\n');
}

function renderTarget({ figure, value, least, most }: Target): string {
	const isMet = value >= (least ?? value) && value <= (most ?? value);
	const wanted = [
		...(least === undefined ? [] : [`at least ${least}`]),
		...(most === undefined ? [] : [`at most ${most}`]),
	];
	return `- ${figure}: **${value}**, wanted ${wanted.join(' and ')}: ${isMet ? 'met' : 'missed'}`;
}
