import type { Express, IRoute, Router } from 'express';

export interface RouteName {
	/** In lower case. */
	readonly method: string;
	/** As the document writes it: `/v1/jobs/{id}`. */
	readonly path: string;
}

/**
 * Every route of an app, for who wants to know whether the document has them all.
 *
 * @param mountPaths - paths that routers may be mounted at. Express forgets them; a layer only knows whether a path is
 * its own.
 */
export function listRoutes(app: Express, mountPaths: readonly string[]): RouteName[] {
	return routesBelow(app.router, '', mountPaths);
}

function routesBelow(router: Router, prefix: string, mountPaths: readonly string[]): RouteName[] {
	return router.stack.flatMap((layer): RouteName[] => {
		if (layer.route) return namesOf(layer.route, prefix);
		const handler: unknown = layer.handle;
		if (!isRouter(handler)) return [];
		// One that is mounted nowhere in particular takes every path, and says that its own is the empty one.
		const mountedAt = mountPaths.find((path) => takes(layer, path) && layer.path === path);
		return routesBelow(handler, prefix + (mountedAt ?? ''), mountPaths);
	});
}

/** The types do not know of it: Express asks each layer so when a request comes. */
function takes(layer: object, path: string): boolean {
	return 'match' in layer && typeof layer.match === 'function' && layer.match(path) === true;
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
