import { type LookupAddress, type LookupAllOptions, lookup } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import { AppError } from '@facet/contracts';
import ipaddr from 'ipaddr.js';

type Network = [ipaddr.IPv4 | ipaddr.IPv6, number];

/**
 * Public addresses under which a cloud serves its own machines: what answers there trusts whoever can reach it. Azure's
 * is the only one outside of the special ranges (learn.microsoft.com/azure/virtual-network/what-is-ip-address-168-63-129-16).
 */
const CLOUD_ADDRESSES = [ipaddr.IPv4.parseCIDR('168.63.129.16/32')];

/** Finds all addresses of a name, as `dns.lookup` does with `all`. */
export type LookupAll = (
	hostname: string,
	options: LookupAllOptions,
	callback: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void;

/**
 * The only IPv6 block that IANA has given out for the public internet (RFC 4291); what is outside of it reaches special
 * networks or none.
 */
const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Decides which addresses Facet may connect to on behalf of a caller.
 *
 * Public unicast only: loopback, private, link-local (cloud metadata), carrier-grade NAT, multicast, documentation and
 * reserved ranges are refused, and so are the IPv6 ranges that carry an IPv4 address inside (mapped, NAT64, 6to4,
 * Teredo). `allowNetworks` makes exceptions.
 */
export class AddressGuard {
	readonly #allowed: readonly Network[];
	readonly #lookupAll: LookupAll;

	/**
	 * @param allowNetworks - CIDRs such as `10.1.0.0/16` that may be reached although they are private.
	 * @param lookupAll - how names are resolved; by the system.
	 * @throws Error naming the entry that is not a CIDR.
	 */
	constructor(allowNetworks: readonly string[] = [], lookupAll: LookupAll = lookup) {
		this.#allowed = allowNetworks.map(parseNetwork);
		this.#lookupAll = lookupAll;
	}

	/** Whether a connection to this IP address, in any notation, is allowed. */
	allows(address: string): boolean {
		// A zone index (`fe80::1%eth0`) names an interface of this machine; nothing public has one.
		if (!ipaddr.isValid(address) || address.includes('%')) return false;
		const plain = ipaddr.process(address);
		if (this.#allowed.some((network) => plain.kind() === network[0].kind() && plain.match(network)))
			return true;
		const literal = ipaddr.parse(address);
		if (literal.range() !== 'unicast') return false;
		if (literal.kind() === 'ipv6') return literal.match(GLOBAL_UNICAST_V6);
		return !CLOUD_ADDRESSES.some((network) => literal.match(network));
	}

	/**
	 * For hosts given as an IP address, which are connected to without a look-up.
	 *
	 * @throws AppError `url_blocked`.
	 */
	checkLiteral(host: string): void {
		const address = host.replace(/^\[|\]$/g, '');
		if (isIP(address) !== 0 && !this.allows(address)) throw blocked();
	}

	/**
	 * A `lookup` for `net.connect`, so that what is checked is what is connected to: no time passes between the two in
	 * which a name server could change its answer. A name with even one forbidden address is refused as a whole.
	 */
	readonly lookup: LookupFunction = (hostname, options, callback) => {
		this.#lookupAll(hostname, { ...options, all: true }, (error, addresses) => {
			const [first] = addresses ?? [];
			if (error || first === undefined) {
				callback(error ?? new Error(`no address for ${hostname}`), '', 0);
			} else if (!addresses.every(({ address }) => this.allows(address))) {
				callback(blocked(), '', 0);
			} else if (options.all) {
				callback(null, addresses);
			} else {
				callback(null, first.address, first.family);
			}
		});
	};
}

function parseNetwork(text: string): Network {
	try {
		return ipaddr.parseCIDR(text);
	} catch (cause) {
		throw new Error(`SOURCE_ALLOW_NETWORKS: expected a CIDR such as 10.0.0.0/8, received '${text}'`, {
			cause,
		});
	}
}

/** One text for every refusal: which rule it was would tell a caller what lies behind. */
function blocked(): AppError {
	return new AppError('url_blocked', {
		detail: 'the URL leads to an address that Facet does not connect to',
	});
}
