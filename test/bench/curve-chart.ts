/** A line of a chart: points of 0..1 in both directions. */
export interface ChartLine {
	readonly label: string;
	readonly points: readonly { readonly x: number; readonly y: number }[];
}

const SIDE = 480;
const MARGIN = { left: 56, top: 36, right: 16, bottom: 44 };
/** Told apart by people who do not see all colours too (Okabe and Ito, "Color universal design", 2008). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];
const STEPS = [0, 0.2, 0.4, 0.6, 0.8, 1];

/** An SVG of some curves over the unit square. */
export function curveChart(
	title: string,
	axes: { x: string; y: string },
	lines: readonly ChartLine[],
): string {
	const across = (x: number) => (MARGIN.left + x * SIDE).toFixed(1);
	const down = (y: number) => (MARGIN.top + (1 - y) * SIDE).toFixed(1);
	const width = MARGIN.left + SIDE + MARGIN.right;
	const height = MARGIN.top + SIDE + MARGIN.bottom;
	const grid = STEPS.flatMap((step) => [
		`<path d="M${across(step)} ${down(0)}V${down(1)}M${across(0)} ${down(step)}H${across(1)}" stroke="#ddd"/>`,
		`<text x="${across(step)}" y="${height - 26}" text-anchor="middle">${step}</text>`,
		`<text x="${MARGIN.left - 8}" y="${down(step)}" text-anchor="end" dominant-baseline="middle">${step}</text>`,
	]);
	const curves = lines.flatMap(({ label, points }, index) => {
		const colour = COLOURS[index % COLOURS.length];
		const path = points.map(({ x, y }) => `${across(x)} ${down(y)}`).join('L');
		const labelY = Number(down(0)) - 16 - 18 * (lines.length - 1 - index);
		return [
			path === '' ? '' : `<path d="M${path}" fill="none" stroke="${colour}" stroke-width="1.5"/>`,
			`<text x="${Number(across(0)) + 12}" y="${labelY}" fill="${colour}">${escapeText(label)}</text>`,
		];
	});
	return [
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">`,
		`<rect width="${width}" height="${height}" fill="#fff"/>`,
		`<text x="${width / 2}" y="20" text-anchor="middle" font-size="14">${escapeText(title)}</text>`,
		...grid,
		`<text x="${across(0.5)}" y="${height - 8}" text-anchor="middle">${escapeText(axes.x)}</text>`,
		`<text transform="translate(14 ${down(0.5)}) rotate(-90)" text-anchor="middle">${escapeText(axes.y)}</text>`,
		...curves,
		'</svg>',
		'',
	].join('\n');
}

function escapeText(text: string): string {
	return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
