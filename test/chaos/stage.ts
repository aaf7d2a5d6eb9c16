import { setTimeout as pause } from "node:timers/promises";
import type { NatsServer } from "../../src/nats-server/start.ts";
import { Child } from "../support/child.ts";
import type { MoveWatch } from "./moves.ts";
import type { Fault } from "./plan.ts";

type Env = Readonly<Record<string, string>>;

/** A process that is started again, under the same name, whenever it was killed. */
class Actor implements AsyncDisposable {
  readonly name: string;
  readonly #start: () => Child;
  #child: Child;

  constructor(name: string, start: () => Child) {
    this.name = name;
    this.#start = start;
    this.#child = start();
  }

  get child(): Child {
    return this.#child;
  }

  async kill(forMs: number): Promise<void> {
    await this.#child[Symbol.asyncDispose]();
    await pause(forMs);
    this.#child = this.#start();
  }

  async freeze(forMs: number): Promise<void> {
    const frozen = this.#child;
    frozen.kill("SIGSTOP");
    await pause(forMs);
    frozen.kill("SIGCONT");
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }
}

/** The processes that are hurt: orchestrators and workers as users start them, and their nats-server. */
export class Stage implements AsyncDisposable {
  readonly #server: NatsServer;
  readonly #watch: MoveWatch;
  readonly #orchestrators: readonly Actor[];
  readonly #workers: readonly Actor[];
  /** Two faults at once of one process would undo each other. */
  readonly #busy = new Set<string>();

  constructor(server: NatsServer, watch: MoveWatch, env: Env, workers: number, orchestrators = 2) {
    this.#server = server;
    this.#watch = watch;
    const many = (count: number, name: string, start: (name: string) => Child) =>
      Array.from({ length: count }, (_, index) => `${name}${index + 1}`).map(
        (each) => new Actor(each, () => start(each)),
      );
    this.#orchestrators = many(orchestrators, "o", () => new Child(["run"], env));
    this.#workers = many(workers, "w", (workerId) => {
      return new Child(["worker"], { ...env, BATUTA_WORKER_ID: workerId });
    });
  }

  async ready(): Promise<void> {
    await Promise.all([
      ...this.#orchestrators.map(({ child }) => child.says(/orchestrator running/)),
      ...this.#workers.map(({ child }) => child.says(/worker registered/)),
    ]);
  }

  /** Hurts, and resolves with what was done once it is undone. */
  async inflict({ kind, target, forMs }: Fault): Promise<string> {
    const [what, whom] = kind.split("-");
    if (whom !== "worker") this.#watch.disturbed();
    if (whom === "server") return this.#hurtServer(what === "freeze", forMs);
    const actors = whom === "worker" ? this.#workers : this.#orchestrators;
    const free = actors.filter(({ name }) => !this.#busy.has(name));
    const actor = free[target % free.length];
    if (actor === undefined) return `${kind}: all are hurt already`;
    this.#busy.add(actor.name);
    if (whom === "worker") this.#watch.hurt(kind, actor.name);
    await (what === "kill" ? actor.kill(forMs) : actor.freeze(forMs));
    this.#busy.delete(actor.name);
    if (whom !== "worker") this.#watch.disturbed();
    return `${kind} ${actor.name} for ${forMs} ms`;
  }

  /** Of all processes, for when something went wrong. */
  output(): string {
    const all = [...this.#orchestrators, ...this.#workers];
    return all.map(({ name, child }) => `${name}:\n${child.output.slice(-4_000)}`).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(
      [...this.#workers, ...this.#orchestrators].map((actor) => actor[Symbol.asyncDispose]()),
    );
  }

  async #hurtServer(isFreeze: boolean, forMs: number): Promise<string> {
    const { pid } = this.#server;
    if (pid === undefined || this.#busy.has("server")) return "server: is hurt already";
    this.#busy.add("server");
    if (isFreeze) {
      process.kill(pid, "SIGSTOP");
      await pause(forMs);
      process.kill(pid, "SIGCONT");
    } else {
      const restarted = new Promise<void>((resolve) => this.#server.onRestart(() => resolve()));
      process.kill(pid, "SIGKILL");
      await restarted;
    }
    this.#busy.delete("server");
    this.#watch.disturbed();
    return isFreeze ? `freeze-server for ${forMs} ms` : "kill-server";
  }
}
