import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { CutNetwork, Link } from "./cut-network.ts";

/**
 * A TCP proxy for each link. While it is cut it reads from neither side: what is sent waits in the
 * buffers of the kernel, as it would wait to be sent again, and no end is passed on. Less true than
 * a namespace in that somebody still takes new connections, though nothing ever comes over them.
 */
export function openProxies(why: string): CutNetwork {
  const links: ProxyLink[] = [];
  return {
    way: `TCP proxies (${why})`,
    host: "127.0.0.1",
    async link(serverUrl) {
      const link = new ProxyLink(serverUrl);
      links.push(link);
      await link.listen();
      return link;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(links.map((link) => link[Symbol.asyncDispose]()));
    },
  };
}

class ProxyLink implements Link, AsyncDisposable {
  readonly launcher = [];
  readonly #target: URL;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #isCut = false;

  constructor(serverUrl: string) {
    this.#target = new URL(serverUrl);
    const options = { allowHalfOpen: true, pauseOnConnect: true };
    this.#server = createServer(options, (near) => this.#accept(near));
  }

  get url(): string {
    return `nats://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async listen(): Promise<void> {
    await once(this.#server.listen(0, "127.0.0.1"), "listening");
  }

  async cut(): Promise<void> {
    this.#isCut = true;
    for (const pair of this.#pairs) pair.cut();
  }

  async mend(): Promise<void> {
    this.#isCut = false;
    for (const pair of this.#pairs) pair.mend();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const pair of this.#pairs) pair.end();
  }

  #accept(near: Socket): void {
    const { hostname, port } = this.#target;
    const dial = () => connect({ host: hostname, port: Number(port), allowHalfOpen: true });
    const pair = new Pair(near, dial, () => this.#pairs.delete(pair));
    this.#pairs.add(pair);
    if (!this.#isCut) pair.mend();
  }
}

/** A connection of a client, and the one to the server that it is passed on by. */
class Pair {
  readonly #near: Socket;
  readonly #dial: () => Socket;
  readonly #ended: () => void;
  #far: Socket | undefined;
  #isCut = true;

  constructor(near: Socket, dial: () => Socket, ended: () => void) {
    this.#near = near;
    this.#dial = dial;
    this.#ended = ended;
    this.#watch(near);
  }

  cut(): void {
    this.#isCut = true;
    for (const socket of [this.#near, this.#far]) socket?.unpipe().pause();
  }

  /** Goes on; what ended while it was cut ends now. One that came meanwhile is passed on only now. */
  mend(): void {
    if (!this.#isCut) return;
    this.#isCut = false;
    this.#far ??= this.#watch(this.#dial());
    if (this.#near.destroyed || this.#far.destroyed) this.end();
    else this.#join(this.#near, this.#far);
  }

  end(): void {
    this.#near.destroy();
    this.#far?.destroy();
    this.#ended();
  }

  #join(near: Socket, far: Socket): void {
    near.pipe(far);
    far.pipe(near);
  }

  #watch(socket: Socket): Socket {
    // A close follows, and is what counts.
    socket.on("error", () => {});
    return socket.on("close", () => {
      if (!this.#isCut) this.end();
    });
  }
}
