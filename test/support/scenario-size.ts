/**
 * How large a scenario shall be: what a command has put into the environment, else the size for every day.
 *
 * @throws Error when it is not a whole number.
 */
export function scenarioSize(variable: string, everyDay: number): number {
	const text = process.env[variable] ?? String(everyDay);
	if (!/^\d+$/.test(text)) throw new Error(`Expected a whole number as ${variable}, got "${text}"`);
	return Number(text);
}
