import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import {
  type FakeContainer,
  type Fault,
  inspected,
  isLabelled,
  listed,
  ok,
  refused,
  type Spec,
  wanted,
} from "./docker-wire.ts";

/** What runs in a container. */
export interface FakeProcess {
  kill(signal: NodeJS.Signals): void;
  /** Null after a signal. */
  exited(): Promise<number | null>;
}

interface Call {
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  readonly body: string;
}

/**
 * The part of the Docker Engine API that provisioning needs, on a unix socket: states, name conflicts,
 * filters, stops that answer when the container has ended, and the stream of events. A container is no
 * process, unless `run` makes it one.
 */
export class FakeDocker {
  readonly socketPath: string;
  readonly images = new Set(["batuta:test"]);
  readonly networks = new Set(["default", "host"]);
  readonly calls: string[] = [];
  containers: FakeContainer[] = [];
  /** Containers end as soon as they are told to; otherwise when the test says so. */
  obeys = true;
  run: ((spec: Spec) => FakeProcess) | undefined;
  /** Changes what is answered to a call, which is carried out all the same if it says so with `after`. */
  fault: (call: string, after: boolean) => Fault | undefined = () => undefined;
  /** Holds the answer to a call back, once it is made. */
  hold: (call: string) => Promise<void> | undefined = () => undefined;
  readonly #directory = mkdtempSync(join(tmpdir(), "fake-docker-"));
  readonly #processes = new Map<string, FakeProcess>();
  readonly #ends = new Map<string, (() => void)[]>();
  readonly #streams = new Set<ServerResponse>();
  readonly #waiting = new Set<() => void>();
  #server: Server | undefined;
  #clock = 1_700_000_000;

  constructor() {
    this.socketPath = join(this.#directory, "docker.sock");
  }

  async open(): Promise<this> {
    const server = createServer((request, response) => void this.#serve(request, response));
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(this.socketPath, resolve));
    return this;
  }

  /** All connections are cut, and the socket is gone until it is opened again. */
  async down(): Promise<void> {
    const server = this.#server;
    this.#streams.clear();
    await new Promise<void>((resolve) => {
      server?.close(() => resolve());
      server?.closeAllConnections();
    });
  }

  async close(): Promise<void> {
    await this.down();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Resolves when this holds, looked at after each call and each change. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.#waiting.add(resolve));
  }

  get listeners(): number {
    return this.#streams.size;
  }

  find(nameOrId: string): FakeContainer | undefined {
    return this.containers.find(
      ({ id, name }) => name === nameOrId || (nameOrId.length >= 12 && id.startsWith(nameOrId)),
    );
  }

  running(): readonly string[] {
    return this.containers.filter(({ state }) => state === "running").map(({ name }) => name);
  }

  /** The container ends, as if its process had. */
  exit(name: string, code: number): void {
    const container = this.find(name);
    if (container?.state !== "running") throw new Error(`${name} does not run`);
    container.state = "exited";
    container.exitCode = code;
    this.#tell(container, "die", { exitCode: String(code) });
    for (const end of this.#ends.get(container.id)?.splice(0) ?? []) end();
    this.#changed();
  }

  /** Anybody's container. */
  add(
    name: string,
    labels: Spec["Labels"],
    state: FakeContainer["state"] = "running",
  ): FakeContainer {
    const spec = {
      Image: "other",
      Cmd: [],
      Env: [],
      Labels: labels,
      StopTimeout: 1,
      HostConfig: {},
    };
    return this.#insert(name, spec, state);
  }

  /** A line to all who listen to events. */
  say(line: string): void {
    for (const stream of this.#streams) stream.write(`${line}\n`);
  }

  #insert(name: string, spec: Spec, state: FakeContainer["state"]): FakeContainer {
    const id = randomBytes(32).toString("hex");
    this.#clock += 1;
    const created = this.#clock;
    const container: FakeContainer = { id, name, spec, created, state, exitCode: 0, stops: [] };
    this.containers.push(container);
    return container;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname, searchParams } = new URL(request.url ?? "", "http://docker");
    const path = pathname.replace(/^\/v1\.\d+/, "");
    const method = request.method ?? "";
    const call = `${method} ${path}`;
    const body = await text(request);
    this.calls.push(call);
    const fault = this.fault(call, false);
    const answer =
      fault ?? (await this.#answer({ method, path, query: searchParams, body }, response));
    await this.hold(call);
    const last = fault ?? this.fault(call, true) ?? answer;
    if (last !== "hang" && last !== undefined) {
      response.writeHead(last.status, {
        "content-type": "application/json",
        "api-version": "1.41",
        ostype: "linux",
      });
      response.end(last.status === 204 || last.status === 304 ? undefined : last.text);
    }
    this.#changed();
  }

  async #answer(call: Call, response: ServerResponse): Promise<Fault | undefined> {
    const { method, path, query, body } = call;
    if (path === "/_ping") return { status: 200, text: "OK" };
    if (path === "/events") return this.#listen(query, response);
    if (path === "/containers/json") return ok(this.#list(query));
    if (path === "/containers/create")
      return this.#create(query.get("name") ?? "", JSON.parse(body));
    const [, name = "", verb = ""] = /^\/containers\/([^/]+)(?:\/(\w+))?$/.exec(path) ?? [];
    const container = this.find(name);
    if (container === undefined) return refused(404, `No such container: ${name}`);
    if (method === "DELETE") return this.#remove(container, query.get("force"));
    if (verb === "json") return ok(inspected(container));
    if (verb === "start") return this.#start(container);
    if (verb === "stop") return await this.#stop(container, query.get("t"));
    return refused(404, "page not found");
  }

  #create(name: string, spec: Spec): Fault {
    const taken = this.find(name);
    if (taken !== undefined)
      return refused(
        409,
        `Conflict. The container name "/${name}" is already in use by "${taken.id}".`,
      );
    if (!this.images.has(spec.Image)) return refused(404, `No such image: ${spec.Image}`);
    const { id } = this.#insert(name, spec, "created");
    return { status: 201, text: JSON.stringify({ Id: id, Warnings: [] }) };
  }

  #start(container: FakeContainer): Fault {
    if (container.state === "running") return { status: 304, text: "" };
    const network = container.spec.HostConfig.NetworkMode ?? "default";
    if (!this.networks.has(network)) return refused(404, `network ${network} not found`);
    container.state = "running";
    this.#tell(container, "start", {});
    this.#run(container);
    return { status: 204, text: "" };
  }

  #run(container: FakeContainer): void {
    const process = this.run?.(container.spec);
    if (process === undefined) return;
    this.#processes.set(container.id, process);
    void process.exited().then((code) => {
      if (container.state === "running") this.exit(container.name, code ?? 137);
    });
  }

  async #stop(container: FakeContainer, seconds: string | null): Promise<Fault> {
    if (container.state !== "running") return { status: 304, text: "" };
    container.stops.push(seconds);
    this.#changed();
    const ended = new Promise<void>((resolve) => {
      this.#ends.set(container.id, [...(this.#ends.get(container.id) ?? []), resolve]);
    });
    const process = this.#processes.get(container.id);
    if (process !== undefined) process.kill("SIGTERM");
    else if (this.obeys) this.exit(container.name, 0);
    await ended;
    return { status: 204, text: "" };
  }

  #remove(container: FakeContainer, force: string | null): Fault {
    const isForced = force === "true" || force === "1";
    if (container.state === "running" && !isForced)
      return refused(409, "You cannot remove a running container. Stop it first or force removal");
    this.#processes.get(container.id)?.kill("SIGKILL");
    if (container.state === "running") this.exit(container.name, 137);
    this.containers = this.containers.filter((each) => each !== container);
    return { status: 204, text: "" };
  }

  #list(query: URLSearchParams): readonly object[] {
    const all = ["1", "true"].includes(query.get("all") ?? "");
    const labels = wanted(query, "label");
    return this.containers
      .filter(({ state }) => all || state === "running")
      .filter(({ spec }) => labels.every((label) => isLabelled(spec, label)))
      .map(listed);
  }

  #listen(query: URLSearchParams, response: ServerResponse): undefined {
    response.writeHead(200, { "content-type": "application/json" });
    response.flushHeaders();
    Object.assign(response, {
      wantsEvents: wanted(query, "event"),
      wantsLabels: wanted(query, "label"),
    });
    this.#streams.add(response);
    response.once("close", () => {
      this.#streams.delete(response);
      this.#changed();
    });
    this.#changed();
  }

  #tell({ id, name, spec }: FakeContainer, action: string, attributes: object): void {
    const Attributes = { ...spec.Labels, ...attributes, name, image: spec.Image };
    const Actor = { ID: id, Attributes };
    const event = { Type: "container", Action: action, Actor, scope: "local", time: this.#clock };
    for (const stream of this.#streams) {
      const { wantsEvents, wantsLabels } = stream as unknown as Record<string, string[]>;
      const isWanted = wantsEvents?.length === 0 || wantsEvents?.includes(action);
      if (!isWanted || !wantsLabels?.every((label) => isLabelled(spec, label))) continue;
      stream.write(`${JSON.stringify({ ...event, timeNano: this.#clock * 1e9 })}\n`);
    }
  }

  #changed(): void {
    for (const tell of this.#waiting) tell();
    this.#waiting.clear();
  }
}
