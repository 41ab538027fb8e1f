const WIDTH = 100;

/**
 * JSON to read: like `JSON.stringify` with an indent, but what fits on one line stays on one, so that a box is not
 * spread over six.
 *
 * @param {unknown} value
 * @param {string} [indent]
 * @returns {string}
 */
export function prettyJson(value, indent = '') {
	const flat = JSON.stringify(value);
	if (typeof value !== 'object' || value === null) return flat;
	const spaced = onOneLine(value);
	if (Array.isArray(value) && indent.length + spaced.length <= WIDTH) return spaced;
	const inner = `${indent}  `;
	const [open, close] = Array.isArray(value) ? '[]' : '{}';
	const items = Array.isArray(value)
		? value.map((item) => prettyJson(item, inner))
		: Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${prettyJson(item, inner)}`);
	if (items.length === 0) return flat;
	return `${open}\n${items.map((item) => inner + item).join(',\n')}\n${indent}${close}`;
}

/**
 * @param {unknown} value
 * @returns {string}
 */
function onOneLine(value) {
	if (Array.isArray(value)) return `[${value.map(onOneLine).join(', ')}]`;
	return JSON.stringify(value);
}
