/** Prints rows of cells below each other, the first column to the left and the others to the right. */
export function printTable(rows: readonly (readonly string[])[]): void {
	const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
	for (const row of rows) {
		const cells = row.map((text, column) =>
			column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
		);
		console.log(`  ${cells.join('  ')}`);
	}
}
