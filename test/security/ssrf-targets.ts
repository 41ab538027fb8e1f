/**
 * Hosts that no caller may make Facet connect to, as they are written in URLs. Ranges are those of the IANA registries of
 * special-purpose addresses (iana.org/assignments/iana-ipv4-special-registry, iana-ipv6-special-registry), each with its
 * ends; the forms are those that the URL standard turns into addresses, and those that other parsers do.
 */

const IPV4_RANGES = [
	...['0.0.0.0', '0.0.0.1', '0.255.255.255'],
	...['10.0.0.0', '10.0.0.1', '10.128.3.4', '10.255.255.255'],
	...['100.64.0.0', '100.64.0.1', '100.96.7.8', '100.127.255.255'],
	...['127.0.0.0', '127.0.0.1', '127.0.0.2', '127.0.1.1', '127.127.127.127', '127.255.255.255'],
	...['169.254.0.0', '169.254.0.1', '169.254.1.1', '169.254.255.255'],
	...['172.16.0.0', '172.16.0.1', '172.17.0.1', '172.24.5.6', '172.31.255.255'],
	...['192.0.0.0', '192.0.0.8', '192.0.0.170', '192.0.0.255'],
	...['192.0.2.0', '192.0.2.1', '192.0.2.255'],
	...['192.31.196.1', '192.52.193.1', '192.175.48.1'],
	...['192.88.99.0', '192.88.99.1', '192.88.99.255'],
	...['192.168.0.0', '192.168.0.1', '192.168.1.1', '192.168.255.255'],
	...['198.18.0.0', '198.18.0.1', '198.19.255.255'],
	...['198.51.100.0', '198.51.100.1', '198.51.100.255'],
	...['203.0.113.0', '203.0.113.1', '203.0.113.255'],
	...['224.0.0.0', '224.0.0.1', '224.0.0.251', '233.252.0.1', '239.255.255.250', '239.255.255.255'],
	...['240.0.0.0', '240.0.0.1', '247.8.9.10', '255.255.255.254', '255.255.255.255'],
];

const IPV6_RANGES = [
	...['::', '::1', '0:0:0:0:0:0:0:1', '0000:0000:0000:0000:0000:0000:0000:0001'],
	...['64:ff9b::', '64:ff9b:1::1', '64:ff9b:1:ffff::1'],
	...['100::', '100::1', '100:0:0:1::1'],
	...['2001::', '2001::1', '2001:1::1', '2001:1::2', '2001:2::1', '2001:3::1', '2001:4:112::1', '2001:5::1'],
	...['2001:10::1', '2001:1f:ffff::1', '2001:20::1', '2001:2f:ffff::1', '2001:30::1', '2001:1ff:ffff::1'],
	...['2001:db8::', '2001:db8::1', '2001:db8:ffff::1'],
	...['2002::', '2002:ffff:ffff::1'],
	'2620:4f:8000::1',
	...['3fff::', '3fff::1', '3fff:fff::1'],
	...['5f00::', '5f00::1'],
	...['fc00::', 'fc00::1', 'fd00::1', 'fd00::2', 'fdff:ffff:ffff::1'],
	...['fe80::1', 'fe80::fc:ff:fe00:1', 'febf:ffff::1'],
	...['fec0::1', 'feff::1'],
	...['ff00::1', 'ff01::1', 'ff02::1', 'ff02::fb', 'ff05::2', 'ff0e::1', 'ffff::1'],
	// Not given out: nothing public is there, and what a router makes of it is unknown.
	...['1::1', '200::1', '400::1', '800::1', '1000::1', '4000::1', '8000::1', 'a000::1', 'c000::1', 'e000::1'],
];

/** IPv4 addresses in IPv6 ones: compatible, mapped, translated (SIIT), NAT64, 6to4, Teredo. */
const EMBEDDED = [
	...['::127.0.0.1', '::10.0.0.1', '::7f00:1', '::8.8.8.8'],
	...['::ffff:127.0.0.1', '::ffff:7f00:1', '0:0:0:0:0:ffff:7f00:1', '::FFFF:127.0.0.1', '::ffff:0.0.0.0'],
	...[
		'::ffff:10.0.0.1',
		'::ffff:192.168.0.1',
		'::ffff:169.254.169.254',
		'::ffff:a9fe:a9fe',
		'::ffff:100.64.0.1',
	],
	...['::ffff:0:127.0.0.1', '::ffff:0:7f00:1'],
	...['64:ff9b::127.0.0.1', '64:ff9b::7f00:1', '64:ff9b::10.0.0.1', '64:ff9b::169.254.169.254'],
	'64:ff9b:1::127.0.0.1',
	...['2002:7f00:1::', '2002:7f00:1::1', '2002:a00:1::1', '2002:c0a8:1::1', '2002:a9fe:a9fe::1'],
	...['2001:0:7f00:1::', '2001:0:4136:e378:8000:63bf:80ff:fffe', '2001:0:a9fe:a9fe::1'],
];

/** Loopback and metadata addresses in the notations that `inet_aton` and the URL standard know. */
const NOTATIONS = [
	...[
		'2130706433',
		'0x7f000001',
		'0X7F000001',
		'017700000001',
		'0x7f.0.0.1',
		'0x7f.0x0.0x0.0x1',
		'0177.0.0.1',
	],
	...[
		'0177.0.0.01',
		'0177.0000.0000.0001',
		'00000177.0.0.1',
		'0x7f.1',
		'127.1',
		'127.0.1',
		'127.0x1',
		'0177.1',
	],
	...['127.65793', '0', '0x0', '00', '0.0', '0.0.0', '1', '0x0a000001', '167772161', '10.1', '012.0.0.1'],
	...[
		'2852039166',
		'0xa9fea9fe',
		'0xA9.0xFE.0xA9.0xFE',
		'0251.0376.0251.0376',
		'025177524776',
		'169.254.43518',
	],
	...['0xc0a80001', '192.168.1', '3232235521', '0300.0250.0.1', '4294967295', '0xffffffff', '037777777777'],
	...['127.0.0.1.', '0x7f000001.', '2130706433.', '127.1.'],
	...['%31%32%37.0.0.1', '127%2e0%2e0%2e1', '127.0.0.%31', '%30x7f.1'],
];

/** Digits, dots and letters of other scripts, which IDNA maps to the plain ones. */
const OTHER_DIGITS = [
	...['①②⑦.⓪.⓪.①', '１２７.０.０.１', '127。0。0。1', '127．0．0．1', '127｡0｡0｡1', '𝟭𝟮𝟳.𝟬.𝟬.𝟭', '¹²⁷.⁰.⁰.¹'],
	...[
		'₁₂₇.₀.₀.₁',
		'１６９．２５４．１６９．２５４',
		'①⑥⑨。②⑤④。①⑥⑨。②⑤④',
		'0ｘ7f000001',
		'1\u00ad27.0.0.1',
		'12\u200b7.0.0.1',
	],
];

/** Where clouds tell their machines who they are: AWS, ECS, EKS, Alibaba, Oracle, Tencent, Azure, and AWS again. */
const CLOUD_METADATA = [
	...['169.254.169.254', '169.254.170.2', '169.254.170.23', '169.254.169.253', '169.254.169.123'],
	...['100.100.100.200', '192.0.0.192', '169.254.0.23', '168.63.129.16', '169.254.42.42'],
	...['[fd00:ec2::254]', '[fd00:ec2::23]', '[fd20:ce::254]', '[fe80::a9fe:a9fe]'],
];

/** Hosts that are addresses, whatever a name server says. */
export const ADDRESS_HOSTS: readonly string[] = [
	...IPV4_RANGES,
	...[...IPV6_RANGES, ...EMBEDDED].map((address) => `[${address}]`),
	...NOTATIONS,
	...OTHER_DIGITS,
	...CLOUD_METADATA,
];

/** The addresses themselves, as a name server may give them. */
export const SPECIAL_ADDRESSES: readonly string[] = [...IPV4_RANGES, ...IPV6_RANGES, ...EMBEDDED];

/** Names of this machine, and of services of clouds. Which of them there are is for the system to know. */
export const NAMED_HOSTS: readonly string[] = [
	...['localhost', 'LOCALHOST', 'localhost.', 'ip6-localhost', 'ⓛⓞⓒⓐⓛⓗⓞⓢⓣ', 'loc%61lhost'],
	...[
		'foo.localhost',
		'metadata.google.internal',
		'metadata',
		'instance-data.ec2.internal',
		'kubernetes.default.svc',
	],
];

/** What stands before the host may look like another one; the mark `HOST` is what is connected to. */
export const USER_INFO_URLS: readonly string[] = [
	'http://example.com@HOST/',
	'http://example.com:80@HOST/',
	'http://user:password@HOST/',
	'http://example.com%2F@HOST/',
	'http://example.com%40@HOST/',
	'http://:@HOST/',
	'http://@HOST/',
];

/** Texts in which parsers disagree about the host; `HOST` again. */
export const ODD_URLS: readonly string[] = [
	'http:HOST/',
	'http:/HOST/',
	'http:\\\\HOST\\',
	'http:///HOST/',
	'HTTP://HOST/',
	'ht\ntp://HOST/',
	'\thttp://HOST/',
	'http://HOST\\@example.com/',
	'http://HOST#@example.com/',
	'http://HOST?@example.com/',
	'http://HOST/../../@example.com',
	'http://HOST//example.com/',
	'http://HOST/%0d%0aHost:%20example.com',
];

/** Addresses of other kinds than http and https. */
export const OTHER_SCHEMES: readonly string[] = [
	'file:///etc/passwd',
	'file://localhost/etc/passwd',
	'file:/etc/passwd',
	'FILE:///etc/passwd',
	'data:image/png;base64,iVBORw0KGgo=',
	'ftp://127.0.0.1/photo.jpg',
	'ftps://127.0.0.1/photo.jpg',
	'sftp://127.0.0.1/photo.jpg',
	'gopher://127.0.0.1:6379/_INFO',
	'dict://127.0.0.1:11211/stat',
	'ldap://127.0.0.1/',
	'tftp://127.0.0.1/x',
	'unix:/var/run/docker.sock',
	'unix:///var/run/docker.sock',
	'http+unix://%2Fvar%2Frun%2Fdocker.sock/info',
	'jar:http://127.0.0.1!/',
	'netdoc:///etc/passwd',
	'phar://photo.jpg',
	'php://filter/resource=/etc/passwd',
	'concat:/etc/passwd|/etc/hosts',
	'subfile,,start,0,end,10,,:/etc/passwd',
	'crypto:/etc/passwd',
	'hls+http://127.0.0.1/list.m3u8',
	'rtmp://127.0.0.1/live',
	'rtsp://127.0.0.1/live',
	'udp://127.0.0.1:5000',
	'tcp://127.0.0.1:6379',
	'ws://127.0.0.1/',
	'blob:http://127.0.0.1/1',
	'javascript:fetch(1)',
	'about:blank',
	'//127.0.0.1/photo.jpg',
	'/etc/passwd',
	'127.0.0.1/photo.jpg',
];
