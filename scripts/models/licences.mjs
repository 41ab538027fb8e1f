import { Failure } from '../failure.mjs';

/**
 * Stops before networks whose licence is not free, and shows it.
 *
 * @param {readonly import('./manifest.mjs').Model[]} models
 * @throws {Failure} With the licences, when there is one to accept.
 */
export function requireLicences(models) {
	const restricted = models.filter((model) => model.free === false);
	if (restricted.length === 0) return;
	const texts = restricted.map(({ name, licence, licenceText }) =>
		[`${name}: ${licence}`, ...(licenceText ? ['', licenceText] : [])].join('\n'),
	);
	const names = restricted.map(({ name }) => name).join(', ');
	throw new Failure(`The licence of ${names} is not free: read it above, and repeat with --accept-license`, {
		output: texts.join('\n\n'),
	});
}
