import { renderFindings, renderMachine } from './markdown.ts';
import type { Report } from './report.ts';

/**
 * Puts the figures of a report into a document, between `<!-- bench:NAME -->` and `<!-- /bench -->`, where NAME is that
 * of a section or `machine`. Places of sections that the report does not have stay as they are.
 */
export function writeIntoDocument(document: string, report: Report): string {
	return document.replace(/(<!-- bench:(\w+) -->\n).*?(<!-- \/bench -->)/gs, (place, open, name, close) => {
		const text = textOf(report, name);
		return text === undefined ? place : `${open}\n${text}\n\n${close}`;
	});
}

function textOf(report: Report, name: string): string | undefined {
	if (name === 'machine') return renderMachine(report);
	const section = report.sections.find((candidate) => candidate.name === name);
	return section && renderFindings(section);
}
