import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { AddressGuard } from './address-guard.ts';

describe('AddressGuard', () => {
	const guard = new AddressGuard();

	it.each([
		['8.8.8.8', true],
		['2606:4700::1111', true],
		['127.0.0.1', false],
		['127.255.255.254', false],
		['0.0.0.0', false],
		['10.1.2.3', false],
		['172.16.0.1', false],
		['172.32.0.1', true],
		['192.168.1.1', false],
		['169.254.169.254', false],
		['100.64.0.1', false],
		['192.0.2.1', false],
		['198.18.0.1', false],
		['224.0.0.1', false],
		['240.0.0.1', false],
		['255.255.255.255', false],
		['168.63.129.16', false],
		['168.63.129.17', true],
		['::', false],
		['::1', false],
		['::127.0.0.1', false],
		['::ffff:10.0.0.1', false],
		['::ffff:8.8.8.8', false],
		['64:ff9b::808:808', false],
		['2002:7f00:1::', false],
		['2001:0:4136:e378::1', false],
		['fc00::1', false],
		['fe80::1', false],
		['fe80::1%eth0', false],
		['fec0::1', false],
		['ff02::1', false],
		['2001:db8::1', false],
		['1::1', false],
		['4000::1', false],
		['not an address', false],
	])('%s: %s', (address, allowed) => {
		expect(guard.allows(address)).toBe(allowed);
	});

	it('makes the exceptions that it is told, in each notation of the address', () => {
		const open = new AddressGuard(['10.0.0.0/8', 'fd00::/8']);
		expect(open.allows('10.9.9.9')).toBe(true);
		expect(open.allows('::ffff:10.9.9.9')).toBe(true);
		expect(open.allows('fd12::1')).toBe(true);
		expect(open.allows('127.0.0.1')).toBe(false);
	});

	it('names an exception that is no CIDR', () => {
		expect(() => new AddressGuard(['10.0.0.0'])).toThrow(
			/SOURCE_ALLOW_NETWORKS: expected a CIDR .* '10\.0\.0\.0'/,
		);
	});

	it('refuses names that lead to a forbidden address, and passes those that are allowed', async () => {
		await expect(promisify(guard.lookup)('localhost', {})).rejects.toThrow(/url_blocked/);
		const local = new AddressGuard(['127.0.0.0/8', '::1/128']);
		await expect(promisify(local.lookup)('localhost', { family: 4 })).resolves.toBe('127.0.0.1');
	});

	it('refuses addresses given as hosts', () => {
		expect(() => guard.checkLiteral('[::1]')).toThrow(/url_blocked/);
		expect(() => guard.checkLiteral('10.0.0.1')).toThrow(/url_blocked/);
		expect(() => guard.checkLiteral('example.com')).not.toThrow();
	});
});
