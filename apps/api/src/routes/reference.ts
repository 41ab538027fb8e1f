import { createHash } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import express, { type RequestHandler, type Router } from 'express';
import { methodNotAllowed } from '../middleware/error-response.ts';
import { openApiDocument } from '../openapi/document.ts';

/** Files of swagger-ui-dist that the page needs, and no others. */
const ASSETS = ['swagger-ui.css', 'swagger-ui-bundle.js', 'favicon-32x32.png'];
const DOCUMENT_MAX_AGE_SECONDS = 300;
const ASSETS_MAX_AGE_SECONDS = 86_400;

/** All of the page comes from here, and nothing in it is run that is not a file of ours. */
const PAGE_POLICY = [
	"default-src 'none'",
	"script-src 'self'",
	"style-src 'self'",
	"img-src 'self' data:",
	"connect-src 'self'",
	"base-uri 'none'",
	"form-action 'none'",
	"frame-ancestors 'none'",
].join('; ');

/** Links are relative, so that the page also works below another path of a proxy. */
const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Facet API</title>
<link rel="stylesheet" href="docs/swagger-ui.css">
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
</head>
<body>
<div id="reference"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/init.js"></script>
</body>
</html>
`;

/** No validator: it would be asked over the network. */
const INIT_SCRIPT = `SwaggerUIBundle({
	url: 'openapi.json',
	dom_id: '#reference',
	deepLinking: true,
	validatorUrl: null,
	tryItOutEnabled: false,
});
`;

/**
 * `/openapi.json`, and `/docs`: the same to be read by people. Open to everybody, since it says nothing of this service's
 * callers.
 *
 * @param baseUrl - of the links to ourselves; its path is where the document's begin.
 */
export function reference(baseUrl: string): Router {
	const router = express.Router({ strict: true });
	const document = () => JSON.stringify(openApiDocument(new URL(baseUrl).pathname));
	router
		.route('/openapi.json')
		.get(sendText('application/json', document))
		.all(methodNotAllowed('GET', 'HEAD'));
	router
		.route('/docs')
		.get(
			(_request, response, next) => {
				response.setHeader('Content-Security-Policy', PAGE_POLICY);
				response.setHeader('Referrer-Policy', 'no-referrer');
				next();
			},
			sendText('text/html', () => PAGE),
		)
		.all(methodNotAllowed('GET', 'HEAD'));
	router.get(
		'/docs/init.js',
		sendText('text/javascript', () => INIT_SCRIPT),
	);
	const root = fileURLToPath(new URL('.', import.meta.resolve('swagger-ui-dist/package.json')));
	router.get(
		ASSETS.map((name) => `/docs/${name}`),
		(request, response) => {
			response.setHeader('Cache-Control', `public, max-age=${ASSETS_MAX_AGE_SECONDS}`);
			response.sendFile(request.path.slice('/docs/'.length), { root, cacheControl: false });
		},
	);
	return router;
}

/**
 * Sends a text that stays the same as long as the process lives, or 304 to who has it.
 *
 * @param textOf - called once, at the first request: the document is a tenth of what the start of the API takes.
 */
function sendText(type: string, textOf: () => string): RequestHandler {
	let made: { readonly body: Buffer; readonly etag: string } | undefined;
	return (_request, response) => {
		made ??= withEtag(textOf());
		response.setHeader('Cache-Control', `public, max-age=${DOCUMENT_MAX_AGE_SECONDS}`);
		response.setHeader('ETag', made.etag);
		response.type(type);
		// Express answers 304 when the request has this ETag.
		response.send(made.body);
	};
}

function withEtag(text: string): { readonly body: Buffer; readonly etag: string } {
	const body = Buffer.from(text);
	return { body, etag: `"${createHash('sha256').update(body).digest('base64url')}"` };
}
