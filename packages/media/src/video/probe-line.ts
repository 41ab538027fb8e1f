/** A field of a line that ffprobe prints in its format `compact`; undefined when the line does not have it. */
export function field(line: string, name: string): string | undefined {
	const start = line.startsWith(`${name}=`) ? 0 : line.indexOf(`|${name}=`) + 1;
	if (start === 0 && !line.startsWith(`${name}=`)) return undefined;
	const end = line.indexOf('|', start);
	return line.slice(start + name.length + 1, end === -1 ? undefined : end);
}

/** NaN when the line does not have it or says `N/A`. */
export function numberField(line: string, name: string): number {
	const text = field(line, name);
	return text === undefined || text === '' ? Number.NaN : Number(text);
}
