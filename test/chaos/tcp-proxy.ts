import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Link {
	readonly client: Socket;
	readonly upstream: Socket;
}

/** A TCP proxy on the loopback address that can cut, stall and redirect what goes through it. */
export class TcpProxy {
	readonly #server: Server;
	readonly #links = new Set<Link>();
	#isCut = false;
	#isStalled = false;
	/** Where new connections go. */
	targetPort: number;
	/**
	 * Sees what clients send, before it goes on. When it returns true, its connection gets no more answers: what was sent
	 * is done, and whoever sent it does not know.
	 */
	onRequest: (chunk: Buffer) => boolean = () => false;

	private constructor(targetPort: number) {
		this.targetPort = targetPort;
		this.#server = createServer((client) => this.#accept(client));
	}

	static async start(targetPort: number): Promise<TcpProxy> {
		const proxy = new TcpProxy(targetPort);
		proxy.#server.listen(0, '127.0.0.1');
		await once(proxy.#server, 'listening');
		return proxy;
	}

	get port(): number {
		const address = this.#server.address();
		if (typeof address !== 'object' || address === null) throw new Error('a TCP server without an address');
		return address.port;
	}

	/** Breaks all connections and refuses new ones. */
	cut(): void {
		this.#isCut = true;
		for (const { client, upstream } of this.#links) {
			client.destroy();
			upstream.destroy();
		}
	}

	mend(): void {
		this.#isCut = false;
	}

	/** Lets nothing through in either direction, and says nothing of it: a network that loses every packet. */
	stall(): void {
		this.#isStalled = true;
		for (const { client, upstream } of this.#links) {
			client.pause();
			upstream.pause();
		}
	}

	/** What was held back goes on its way. */
	flow(): void {
		this.#isStalled = false;
		for (const { client, upstream } of this.#links) {
			client.resume();
			upstream.resume();
		}
	}

	async stop(): Promise<void> {
		this.cut();
		const closed = once(this.#server, 'close');
		this.#server.close();
		await closed;
	}

	#accept(client: Socket): void {
		if (this.#isCut) {
			client.destroy();
			return;
		}
		const upstream = connect(this.targetPort, '127.0.0.1');
		const link = { client, upstream };
		this.#links.add(link);
		let isMute = false;
		client.on('data', (chunk: Buffer) => {
			isMute ||= this.onRequest(chunk);
			upstream.write(chunk);
		});
		upstream.on('data', (chunk: Buffer) => {
			if (!isMute) client.write(chunk);
		});
		for (const [socket, other] of [
			[client, upstream],
			[upstream, client],
		] as const) {
			socket.setNoDelay(true);
			socket.on('error', () => {});
			socket.on('close', () => {
				this.#links.delete(link);
				other.destroy();
			});
		}
		if (this.#isStalled) {
			client.pause();
			upstream.pause();
		}
	}
}
