import { isIP } from 'node:net';

/** Names that Express has for networks. */
const NAMES = ['loopback', 'linklocal', 'uniquelocal'];

/** Whether Express can trust a proxy by this: an address, a CIDR of at least one bit, or one of its names. */
export function isProxyNetwork(text: string): boolean {
	if (NAMES.includes(text)) return true;
	const [address = '', bits, ...rest] = text.split('/');
	const version = isIP(address);
	if (version === 0 || address.includes('%') || rest.length > 0) return false;
	return bits === undefined || (/^[1-9]\d{0,2}$/.test(bits) && Number(bits) <= (version === 4 ? 32 : 128));
}
