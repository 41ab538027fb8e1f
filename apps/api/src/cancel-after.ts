import { AppError } from '@facet/contracts';

const SHORTEST_SECONDS = 5;
const LONGEST_SECONDS = 86_400;

/**
 * Parses `Cancel-After`: `90`, `90s`, `5m` or `1h`, from 5 seconds to 24 hours.
 *
 * @returns seconds; undefined without the header.
 * @throws AppError `invalid_request`.
 */
export function parseCancelAfter(header: string | undefined): number | undefined {
	if (header === undefined) return undefined;
	const match = /^(\d{1,6})\s*([smh]?)$/.exec(header.trim());
	const seconds = Number(match?.[1]) * unitSeconds(match?.[2]);
	if (seconds >= SHORTEST_SECONDS && seconds <= LONGEST_SECONDS) return seconds;
	throw new AppError('invalid_request', {
		detail: `Cancel-After: expected a time from 5s to 24h such as 90, 90s, 5m or 1h, received ${JSON.stringify(header.slice(0, 40))}`,
	});
}

function unitSeconds(unit = ''): number {
	return unit === 'h' ? 3600 : unit === 'm' ? 60 : 1;
}
