import { once } from 'node:events';
import { createServer, type ListenOptions, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';

/** Listens on all addresses of this machine, and counts who comes. */
export class Canary {
	connections = 0;
	/** Where it listens, each on all addresses. */
	readonly ports: number[] = [];
	readonly #servers: Server[] = [];

	static async start(ports = 3): Promise<Canary> {
		const canary = new Canary();
		// Without an address Node takes `::`, which is IPv4 as well, or `0.0.0.0` where there is no IPv6.
		for (let index = 0; index < ports; index += 1) await canary.#listen({ port: 0 });
		return canary;
	}

	/** Listens at one port on each address that this machine has, for when another server has the port on one more. */
	static async startBeside(port: number): Promise<Canary> {
		const canary = new Canary();
		const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
		for (const { address, scopeid } of own) {
			// A link-local address is one of several, of which only the zone tells.
			if (!scopeid) await canary.#listen({ port, host: address });
		}
		return canary;
	}

	/** A port in turn. */
	port(index: number): number {
		return this.ports[index % this.ports.length] ?? 0;
	}

	close(): void {
		for (const server of this.#servers) server.close();
	}

	async #listen(options: ListenOptions): Promise<void> {
		const server = createServer((socket) => {
			this.connections += 1;
			socket.destroy();
		});
		server.listen(options);
		await once(server, 'listening');
		this.#servers.push(server);
		const address = server.address();
		if (typeof address !== 'object' || address === null) throw new Error('a TCP server without an address');
		this.ports.push(address.port);
	}
}
