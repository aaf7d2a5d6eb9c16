import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** A service that flows call and that answers when the test says so. */
export class Gate {
  /** The paths that were asked for, in order. */
  readonly asked: string[] = [];
  readonly #waiting: { readonly path: string; readonly response: ServerResponse }[] = [];
  #listeners: (() => void)[] = [];
  #url = "";

  /** Listens until the test ends. */
  static async open(): Promise<Gate> {
    const gate = new Gate();
    const server = createServer((request, response) => gate.#ask(request.url ?? "", response));
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    gate.#url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    onTestFinished(() => {
      server.closeAllConnections();
      server.close();
    });
    return gate;
  }

  /** A flow that calls these paths one after the other. */
  flow(...paths: readonly string[]) {
    const nodes = paths.map((path) => ({
      id: path,
      type: "http-request",
      config: { method: "GET", url: `${this.#url}/${path}` },
    }));
    const connections = paths.slice(1).map((path, index) => ({ from: paths[index], to: path }));
    return { name: "gated", version: 1, nodes, connections };
  }

  /** Resolves once a path has been asked for so many times. */
  async isAsked(path: string, times = 1): Promise<void> {
    while (this.#count(path) < times) {
      await new Promise<void>((resolve) => this.#listeners.push(resolve));
    }
  }

  /** Answers all who wait for a path; with `againInS` that they are to come again after so long. */
  answer(path: string, againInS?: number): void {
    for (const each of this.#waiting.filter((waiting) => waiting.path === path)) {
      if (againInS === undefined) each.response.end("{}");
      else each.response.writeHead(503, { "retry-after": String(againInS) }).end();
      this.#waiting.splice(this.#waiting.indexOf(each), 1);
    }
  }

  #count(path: string): number {
    return this.asked.filter((each) => each === path).length;
  }

  #ask(url: string, response: ServerResponse): void {
    const path = url.slice(1);
    this.asked.push(path);
    this.#waiting.push({ path, response });
    for (const listener of this.#listeners.splice(0)) listener();
  }
}
