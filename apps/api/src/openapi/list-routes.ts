import type { Express, IRoute, Router } from 'express';

export interface RouteName {
	/** In lower case. */
	readonly method: string;
	/** As the document writes it: `/v1/jobs/{id}`. */
	readonly path: string;
}

/** Every route of an app, for who wants to know whether the document has them all. */
export function listRoutes(app: Express): RouteName[] {
	return routesBelow(app.router, '');
}

function routesBelow(router: Router, prefix: string): RouteName[] {
	return router.stack.flatMap((layer): RouteName[] => {
		if (layer.route) return namesOf(layer.route, prefix);
		const handler: unknown = layer.handle;
		return isRouter(handler) ? routesBelow(handler, prefix + mountPathOf(layer)) : [];
	});
}

/** The types do not know of it. */
function mountPathOf(layer: object): string {
	const path = 'rawPath' in layer ? layer.rawPath : undefined;
	if (typeof path !== 'string') throw new Error('expected a router that is mounted at one path');
	return path === '/' ? '' : path;
}

function isRouter(handler: unknown): handler is Router {
	return typeof handler === 'function' && 'stack' in handler && Array.isArray(handler.stack);
}

function namesOf(route: IRoute, prefix: string): RouteName[] {
	// A route may have several paths; the types know of one.
	const paths: unknown[] = [route.path].flat();
	// Handlers of every method have none: they refuse what is not served.
	const methods = new Set(route.stack.map(({ method }) => method).filter((method) => method));
	return paths.flatMap((path) =>
		[...methods].map((method) => ({ method, path: prefix + String(path).replace(/:(\w+)/g, '{$1}') })),
	);
}
