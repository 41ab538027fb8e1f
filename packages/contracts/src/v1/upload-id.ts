import { z } from 'zod';

/** `upl_` and random characters of base64url. */
export const uploadIdSchema = z
	.string()
	.regex(/^upl_[\w-]{16,64}$/, 'an id of an upload')
	.meta({ description: 'Names an upload; only who made it can use it' });
