import { AppError } from '@facet/contracts';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { describe, expect, it } from 'vitest';
import { AddressGuard } from './address-guard.ts';
import { redirectedUrl } from './redirected-url.ts';

fc.configureGlobal({ seed: 6, numRuns: 2000 });

const guard = new AddressGuard();

/** RFC 6890 and the registries that follow it: nothing there is the public internet. */
const SPECIAL = [
	...['0.0.0.0/8', '10.0.0.0/8', '100.64.0.0/10', '127.0.0.0/8', '169.254.0.0/16', '172.16.0.0/12'],
	...['192.0.0.0/24', '192.0.2.0/24', '192.168.0.0/16', '198.18.0.0/15', '198.51.100.0/24'],
	...['203.0.113.0/24', '224.0.0.0/4', '240.0.0.0/4', '255.255.255.255/32', '168.63.129.16/32'],
].map((network) => ipaddr.IPv4.parseCIDR(network));

const address = fc
	.tuple(fc.constantFrom(...SPECIAL), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
	.map(([network, random]) => {
		const [base, bits] = network;
		const start = base.toByteArray().reduce((sum, byte) => sum * 256 + byte, 0);
		return start + (random % 2 ** (32 - bits));
	});

const octets = (value: number) => [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256);
const hex = (value: number) =>
	value
		.toString(16)
		.padStart(8, '0')
		.replace(/(.{4})(.{4})/, '$1:$2');

/** One IPv4 address as it can be written, or be carried in an IPv6 address. */
const NOTATIONS: readonly (readonly [string, (value: number) => string])[] = [
	['dotted', (value) => octets(value).join('.')],
	[
		'octal',
		(value) =>
			octets(value)
				.map((byte) => `0${byte.toString(8)}`)
				.join('.'),
	],
	['hexadecimal', (value) => `0x${value.toString(16)}`],
	['one number', String],
	['mapped', (value) => `::ffff:${octets(value).join('.')}`],
	['mapped, hexadecimal', (value) => `::ffff:${hex(value)}`],
	['compatible', (value) => `::${hex(value)}`],
	['NAT64', (value) => `64:ff9b::${hex(value)}`],
	['6to4', (value) => `2002:${hex(value)}::1`],
	['local NAT64', (value) => `64:ff9b:1::${hex(value)}`],
];

describe('AddressGuard', () => {
	it.each(NOTATIONS)('no special address is allowed, %s', (_, write) => {
		fc.assert(
			fc.property(address, (value) => {
				expect(guard.allows(write(value))).toBe(false);
			}),
		);
	});

	it('no IPv6 address outside of what is given out is allowed', () => {
		fc.assert(
			fc.property(fc.ipV6(), (text) => {
				if (!guard.allows(text)) return;
				expect(ipaddr.IPv6.parse(text).match(ipaddr.IPv6.parseCIDR('2000::/3'))).toBe(true);
			}),
		);
	});

	it('hosts of any text are judged, as URLs write them too', () => {
		fc.assert(
			fc.property(fc.oneof(fc.string(), fc.ipV6(), fc.ipV4Extended()), (text) => {
				guard.allows(text);
				const url = `http://${text}/`;
				if (!URL.canParse(url)) return;
				const { hostname } = new URL(url);
				try {
					guard.checkLiteral(hostname);
				} catch (error) {
					expect(error).toMatchObject({ code: 'url_blocked' });
				}
			}),
		);
	});
});

describe('redirectedUrl', () => {
	it('of any header is http or https, never from https to http, or a refusal', () => {
		const location = fc.oneof(
			fc.string(),
			fc.webUrl({ validSchemes: ['http', 'https', 'ftp', 'file', 'ws'] }),
			fc
				.tuple(fc.constantFrom('//', '///', '\\\\', '/', '?', '#', 'data:', 'javascript:'), fc.string())
				.map((parts) => parts.join('')),
		);
		fc.assert(
			fc.property(location, fc.webUrl(), (header, from) => {
				try {
					const { protocol } = redirectedUrl(header, new URL(from));
					expect(['https:', new URL(from).protocol]).toContain(protocol);
				} catch (error) {
					if (!(error instanceof AppError)) throw error;
					expect(error.code).toBe('url_blocked');
				}
			}),
		);
	});
});
