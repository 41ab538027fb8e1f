import { basename } from 'node:path';

/**
 * How to run npm. Under `npm run`, npm says where it is: that one may not be on the PATH.
 *
 * @returns {[string, ...string[]]}
 */
export function npmCommand() {
	const cli = process.env.npm_execpath;
	return cli && basename(cli) === 'npm-cli.js' ? [process.execPath, cli] : ['npm'];
}
