import { createSocket, type Socket } from 'node:dgram';
import { type LookupAddress, Resolver } from 'node:dns';
import { once } from 'node:events';
import type { AddressGuard } from '@facet/media';

type LookupAll = NonNullable<ConstructorParameters<typeof AddressGuard>[1]>;

const TYPES = { 1: 4, 28: 6 } as const;
const HEADER_BYTES = 12;

/** The addresses of a name at its n-th question of a kind, counted from 1. */
export type Zone = (name: string, family: 4 | 6, count: number) => readonly string[];

/** A name server that answers A and AAAA as the test says, each answer good for no time at all (RFC 1035, 4). */
export class DnsServer {
	/** Questions, by name and family. */
	readonly questions = new Map<string, number>();
	zone: Zone = () => [];
	readonly #socket: Socket = createSocket('udp4');
	readonly #resolver = new Resolver({ timeout: 2000, tries: 2 });

	static async start(): Promise<DnsServer> {
		const server = new DnsServer();
		server.#socket.on('message', (query, { port, address }) => {
			server.#socket.send(server.#answer(query), port, address);
		});
		server.#socket.bind(0, '127.0.0.1');
		await once(server.#socket, 'listening');
		server.#resolver.setServers([`127.0.0.1:${server.#socket.address().port}`]);
		return server;
	}

	/** Finds all addresses of a name as the system's resolver would that asked this server. */
	readonly lookupAll: LookupAll = (hostname, { family }, callback) => {
		const wanted = ([4, 6] as const).filter((kind) => !family || family === kind || family === `IPv${kind}`);
		Promise.all(wanted.map((kind) => this.#resolve(hostname, kind))).then(
			(found) => callback(null, found.flat()),
			(error: NodeJS.ErrnoException) => callback(error, []),
		);
	};

	close(): void {
		this.#socket.close();
	}

	#resolve(hostname: string, family: 4 | 6): Promise<LookupAddress[]> {
		return new Promise((resolve, reject) => {
			const done = (error: NodeJS.ErrnoException | null, addresses: string[]) => {
				if (error && error.code !== 'ENODATA') reject(error);
				else resolve((addresses ?? []).map((address) => ({ address, family })));
			};
			if (family === 4) this.#resolver.resolve4(hostname, done);
			else this.#resolver.resolve6(hostname, done);
		});
	}

	#answer(query: Buffer): Buffer {
		const labels: string[] = [];
		let at = HEADER_BYTES;
		for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
			labels.push(query.toString('latin1', at + 1, at + 1 + length));
			at += 1 + length;
		}
		const question = query.subarray(HEADER_BYTES, at + 5);
		const type = query.readUInt16BE(at + 1);
		const family = type === 1 || type === 28 ? TYPES[type] : undefined;
		const addresses = family === undefined ? [] : this.#ask(labels.join('.'), family);
		const header = Buffer.alloc(HEADER_BYTES);
		query.copy(header, 0, 0, 2);
		// An answer with authority, no error.
		header.writeUInt16BE(0x8580, 2);
		header.writeUInt16BE(1, 4);
		header.writeUInt16BE(addresses.length, 6);
		return Buffer.concat([header, question, ...addresses.map((address) => record(address, type))]);
	}

	#ask(name: string, family: 4 | 6): readonly string[] {
		const key = `${name}/${family}`;
		const count = (this.questions.get(key) ?? 0) + 1;
		this.questions.set(key, count);
		return this.zone(name, family, count);
	}
}

/** A resource record: a pointer to the question's name, type, class IN, no time to live, the address. */
function record(address: string, type: number): Buffer {
	const data = type === 1 ? Buffer.from(address.split('.').map(Number)) : ipv6Bytes(address);
	const head = Buffer.alloc(12);
	head.writeUInt16BE(0xc000 + HEADER_BYTES, 0);
	head.writeUInt16BE(type, 2);
	head.writeUInt16BE(1, 4);
	head.writeUInt16BE(data.length, 10);
	return Buffer.concat([head, data]);
}

function ipv6Bytes(address: string): Buffer {
	// The URL parser writes it in hexadecimal groups, whatever notation it had.
	const plain = new URL(`http://[${address}]/`).hostname.slice(1, -1);
	const [left = '', right] = plain.split('::');
	const groups = (text: string) => text.split(':').filter((group) => group !== '');
	const before = groups(left);
	const after = groups(right ?? '');
	const zeros = Array<string>(8 - before.length - after.length).fill('0');
	const bytes = Buffer.alloc(16);
	for (const [index, group] of [...before, ...zeros, ...after].entries()) {
		bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2);
	}
	return bytes;
}
