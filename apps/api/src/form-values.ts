/**
 * The fields of a form as a JSON body would have them: numbers, booleans and lists are written as in JSON; fields that
 * are text by nature are taken as they are. What is no JSON stays text, for the parser of the body to refuse with the
 * name of the field. An empty field counts as not given, as browsers send those.
 *
 * @param textFields - names of the fields that are text: a tag `123` is no number.
 */
export function formValues(
	fields: Readonly<Record<string, string>>,
	textFields: ReadonlySet<string>,
): Record<string, unknown> {
	return Object.fromEntries(
		Object.entries(fields)
			.filter(([, text]) => text !== '')
			.map(([name, text]) => [name, textFields.has(name) ? text : fromJson(text)]),
	);
}

function fromJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		return text;
	}
}
