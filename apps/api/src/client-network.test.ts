import fc from 'fast-check';
import { expect, it } from 'vitest';
import { clientNetwork } from './client-network.ts';

fc.configureGlobal({ seed: 6, numRuns: 500 });

it.each([
	['192.0.2.7', '192.0.2.7'],
	['::ffff:192.0.2.7', '192.0.2.7'],
	['0:0:0:0:0:ffff:192.0.2.7', '192.0.2.7'],
	['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
	['2001:DB8:1:2::6', '2001:db8:1:2'],
	['2001:0db8::1', '2001:db8:0:0'],
	['::1', '0:0:0:0'],
	['fe80::1%eth0', 'fe80:0:0:0'],
	[undefined, ''],
])('%s is of %s', (address, network) => {
	expect(clientNetwork(address)).toBe(network);
});

it('addresses of one IPv6 network are one client, those of others are not', () => {
	const id = fc.array(fc.nat(0xffff), { minLength: 4, maxLength: 4 });
	const written = (groups: readonly number[]) => groups.map((group) => group.toString(16)).join(':');
	fc.assert(
		fc.property(id, id, id, (network, one, other) => {
			const [a, b] = [one, other].map((host) => clientNetwork(written([...network, ...host])));
			expect(a).toBe(b);
			const changed = network.with(3, (network[3] ?? 0) ^ 1);
			expect(clientNetwork(written([...changed, ...one]))).not.toBe(a);
			// The same address as URLs write it, with its longest run of zeros left out.
			const short = new URL(`http://[${written([...network, ...one])}]`).hostname.slice(1, -1);
			expect(clientNetwork(short)).toBe(a);
		}),
	);
});

it('any text is some network, and a short one', () => {
	const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom(':', '::', '.', 'f', '0', '%') }));
	fc.assert(
		fc.property(text, (address) => {
			expect(clientNetwork(address).length).toBeLessThanOrEqual(64);
		}),
	);
});
