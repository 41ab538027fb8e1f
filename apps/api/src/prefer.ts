/** What of a `Prefer` header (RFC 7240) is known here. */
export interface Preferences {
	/** The client wants a 202 rather than a wait. */
	readonly respondAsync: boolean;
	/** How long the client would wait, in seconds. */
	readonly waitSeconds: number | undefined;
}

/** One preference: a name, perhaps a value, which may be quoted, and parameters, which none of ours has. */
const PREFERENCE = /^([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?\s*(?:;|$)/;

/** What stands between two commas outside of quotes; an end quote that is missing is at the end. */
const PARTS = /(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g;
/** None of ours is longer, and the patterns take their time with what is. */
const MAX_PREFERENCE_LENGTH = 100;

/**
 * Parses the header. What is unknown or makes no sense is ignored, as the standard wants it; of a preference that is there
 * twice the first counts.
 */
export function parsePrefer(header: string | undefined): Preferences {
	const found = new Map<string, string>();
	for (const part of (header ?? '').match(PARTS) ?? []) {
		const match = part.length > MAX_PREFERENCE_LENGTH ? undefined : PREFERENCE.exec(part.trim());
		const name = match?.[1]?.toLowerCase();
		if (name !== undefined && !found.has(name)) found.set(name, (match?.[2] ?? '').replace(/^"(.*)"$/, '$1'));
	}
	const wait = found.get('wait') ?? '';
	return {
		respondAsync: found.has('respond-async'),
		waitSeconds: /^\d{1,9}$/.test(wait) ? Number(wait) : undefined,
	};
}

/** The value of `Preference-Applied`; undefined when nothing was. */
export function preferenceApplied({ respondAsync, waitSeconds }: Preferences): string | undefined {
	const applied = [
		...(respondAsync ? ['respond-async'] : []),
		...(waitSeconds === undefined ? [] : [`wait=${waitSeconds}`]),
	];
	return applied.length > 0 ? applied.join(', ') : undefined;
}
