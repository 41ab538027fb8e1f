/** A client with an IPv6 address has 2^64 of them: the first four groups say whose they are (RFC 6177). */
const NETWORK_GROUPS = 4;
const GROUPS = 8;

/**
 * The network that stands for a client: its IPv4 address, written as IPv6 or not, or the first 64 bits of its IPv6 address.
 * Text that is no address stands for itself, and for the others of its kind at most: proxies may send anything.
 */
export function clientNetwork(address: string | undefined): string {
	const text = (address ?? '').slice(0, 64).toLowerCase();
	const mapped = /^(?:0*:)*:?ffff:(\d{1,3}(?:\.\d{1,3}){3})$/.exec(text)?.[1];
	if (mapped !== undefined) return mapped;
	const [plain = ''] = text.split('%');
	if (!plain.includes(':')) return plain;
	const [head = '', tail] = plain.split('::');
	const before = groupsOf(head);
	const after = groupsOf(tail ?? '');
	const missing = tail === undefined ? 0 : Math.max(0, GROUPS - before.length - after.length);
	const groups = [...before, ...Array<string>(missing).fill('0'), ...after];
	return groups
		.slice(0, NETWORK_GROUPS)
		.map((group) => group.replace(/^0+(?=.)/, ''))
		.join(':');
}

function groupsOf(text: string): string[] {
	return text === '' ? [] : text.split(':');
}
