import type { RequestHandler } from 'express';

/**
 * Headers of every answer, errors and probes included; routes that want others set them. Answers are data of one caller:
 * no cache keeps them, no page frames them or runs what is in them, no other site's page takes them in as a resource.
 */
const HEADERS = {
	'X-Content-Type-Options': 'nosniff',
	'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'",
	'X-Frame-Options': 'DENY',
	'Referrer-Policy': 'no-referrer',
	'Cross-Origin-Resource-Policy': 'same-origin',
	'Cache-Control': 'no-store',
} as const;

export function securityHeaders(): RequestHandler {
	return (_request, response, next) => {
		for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
		next();
	};
}
