/** A row and the column that it was given. */
export interface Pairing {
	readonly row: number;
	readonly column: number;
}

/**
 * The pairs of rows and columns with the highest total score; only pairs that score more than 0 are made, so rows and
 * columns may stay single.
 *
 * Shortest augmenting paths with potentials, O(n³): Jonker and Volgenant, "A shortest augmenting path algorithm for
 * dense and sparse linear assignment problems", Computing 38 (1987).
 *
 * @param scores - `rows * columns` values, row by row.
 * @returns the pairs, by row.
 * @throws RangeError when a score is no number or without bound: the search for the best total would never end.
 */
export function assign(scores: Float64Array, rows: number, columns: number): Pairing[] {
	if (scores.length !== rows * columns) {
		throw new RangeError(`Expected ${rows} x ${columns} scores but received ${scores.length}`);
	}
	if (!scores.every((score) => score < Number.POSITIVE_INFINITY)) {
		throw new RangeError('Expected scores that are numbers and bounded from above');
	}
	if (rows > columns) {
		const pairings = solve((row, column) => benefit(scores, column * columns + row), columns, rows);
		return pairings
			.map(({ row, column }) => ({ row: column, column: row }))
			.filter(({ row, column }) => benefit(scores, row * columns + column) > 0)
			.sort((a, b) => a.row - b.row);
	}
	return solve((row, column) => benefit(scores, row * columns + column), rows, columns).filter(
		({ row, column }) => benefit(scores, row * columns + column) > 0,
	);
}

/** Staying single is worth 0: whoever is better off single gets a pair worth 0, which is then dropped. */
function benefit(scores: Float64Array, index: number): number {
	return Math.max(0, scores[index] ?? 0);
}

/** Gives every row a column of its own, `rows` being no more than `columns`. */
function solve(score: (row: number, column: number) => number, rows: number, columns: number): Pairing[] {
	// Index 0 stands for "none" throughout; rows and columns count from 1.
	const rowPotential = new Float64Array(rows + 1);
	const columnPotential = new Float64Array(columns + 1);
	const rowOf = new Int32Array(columns + 1);
	const previous = new Int32Array(columns + 1);
	for (let row = 1; row <= rows; row++) {
		const distance = new Float64Array(columns + 1).fill(Number.POSITIVE_INFINITY);
		const visited = new Uint8Array(columns + 1);
		rowOf[0] = row;
		let column = 0;
		while ((rowOf[column] ?? 0) !== 0) {
			visited[column] = 1;
			const current = rowOf[column] ?? 0;
			let step = Number.POSITIVE_INFINITY;
			let next = 0;
			for (let candidate = 1; candidate <= columns; candidate++) {
				if (visited[candidate] === 1) continue;
				const cost = -score(current - 1, candidate - 1);
				const reduced = cost - (rowPotential[current] ?? 0) - (columnPotential[candidate] ?? 0);
				if (reduced < (distance[candidate] ?? 0)) {
					distance[candidate] = reduced;
					previous[candidate] = column;
				}
				if ((distance[candidate] ?? 0) < step) {
					step = distance[candidate] ?? 0;
					next = candidate;
				}
			}
			for (let candidate = 0; candidate <= columns; candidate++) {
				if (visited[candidate] === 1) {
					const owner = rowOf[candidate] ?? 0;
					rowPotential[owner] = (rowPotential[owner] ?? 0) + step;
					columnPotential[candidate] = (columnPotential[candidate] ?? 0) - step;
				} else {
					distance[candidate] = (distance[candidate] ?? 0) - step;
				}
			}
			column = next;
		}
		// Back along the path: each column on it takes over its predecessor's row.
		while (column !== 0) {
			const before = previous[column] ?? 0;
			rowOf[column] = rowOf[before] ?? 0;
			column = before;
		}
	}
	const pairings: Pairing[] = [];
	for (let column = 1; column <= columns; column++) {
		const row = rowOf[column] ?? 0;
		if (row > 0) pairings.push({ row: row - 1, column: column - 1 });
	}
	return pairings.sort((a, b) => a.row - b.row);
}
