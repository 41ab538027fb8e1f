import { AppError } from '@facet/contracts';

/**
 * Where a redirect leads.
 *
 * @param location - the header of the answer; may be relative.
 * @param from - the URL that was asked.
 * @throws AppError `url_blocked` for anything but http and https, and for a way from https to http, on which the URL and
 * what stands behind it would be readable for everybody.
 */
export function redirectedUrl(location: string, from: URL): URL {
	const url = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
	if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
		throw new AppError('url_blocked', { detail: 'the URL redirects to something other than http or https' });
	}
	if (from.protocol === 'https:' && url.protocol === 'http:') {
		throw new AppError('url_blocked', { detail: 'the URL redirects from https to http' });
	}
	return url;
}
