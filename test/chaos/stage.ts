import { setTimeout as pause } from "node:timers/promises";
import type { NatsServer } from "../../src/nats-server/start.ts";
import { Child } from "../support/child.ts";
import type { CutNetwork, Link } from "../support/cut-network.ts";
import type { MoveWatch } from "./moves.ts";
import type { Fault } from "./plan.ts";

type Env = Readonly<Record<string, string>>;

/** A process that is started again, under the same name, whenever it was killed. */
class Actor implements AsyncDisposable {
  readonly name: string;
  readonly #link: Link;
  readonly #start: () => Child;
  #child: Child;

  constructor(name: string, link: Link, start: () => Child) {
    this.name = name;
    this.#link = link;
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

  async cut(forMs: number): Promise<void> {
    await this.#link.cut();
    await pause(forMs);
    await this.#link.mend();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#child[Symbol.asyncDispose]();
  }
}

export interface StageOptions {
  readonly server: NatsServer;
  readonly network: CutNetwork;
  readonly watch: MoveWatch;
  readonly env: Env;
  readonly workers: number;
}

const ORCHESTRATORS = 2;

/** The processes that are hurt: orchestrators and workers as users start them, and their nats-server. */
export class Stage implements AsyncDisposable {
  readonly #server: NatsServer;
  readonly #watch: MoveWatch;
  readonly #orchestrators: readonly Actor[];
  readonly #workers: readonly Actor[];
  /** Two faults at once of one process would undo each other. */
  readonly #busy = new Set<string>();

  private constructor(options: StageOptions, orchestrators: Actor[], workers: Actor[]) {
    this.#server = options.server;
    this.#watch = options.watch;
    this.#orchestrators = orchestrators;
    this.#workers = workers;
  }

  /** Starts the processes, each behind a link of its own. */
  static async open(options: StageOptions): Promise<Stage> {
    const orchestrators = await many(ORCHESTRATORS, "o", (name) => actor(name, ["run"], options));
    const workers = await many(options.workers, "w", (name) => actor(name, ["worker"], options));
    return new Stage(options, orchestrators, workers);
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
    if (whom === "orchestrator") this.#watch.orphaned(kind);
    if (whom !== "worker") this.#watch.disturbed();
    if (whom === "server") return this.#hurtServer(what === "freeze", forMs);
    const actors = whom === "worker" ? this.#workers : this.#orchestrators;
    const free = actors.filter(({ name }) => !this.#busy.has(name));
    const victim = free[target % free.length];
    if (victim === undefined) return `${kind}: all are hurt already`;
    this.#busy.add(victim.name);
    if (whom === "worker") this.#watch.hurt(kind, victim.name);
    await hurt(victim, what, forMs);
    this.#busy.delete(victim.name);
    if (whom === "worker") this.#watch.healed(victim.name);
    else this.#watch.disturbed();
    return `${kind} ${victim.name} for ${forMs} ms`;
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

async function many<T>(count: number, name: string, make: (name: string) => Promise<T>) {
  const made: T[] = [];
  for (let number = 1; number <= count; number += 1) made.push(await make(`${name}${number}`));
  return made;
}

async function actor(name: string, args: readonly string[], options: StageOptions) {
  const link = await options.network.link(options.server.url);
  const env = { ...options.env, BATUTA_NATS_URL: link.url, BATUTA_WORKER_ID: name };
  return new Actor(name, link, () => new Child(args, env, link.launcher));
}

function hurt(victim: Actor, what: string | undefined, forMs: number): Promise<void> {
  if (what === "kill") return victim.kill(forMs);
  return what === "freeze" ? victim.freeze(forMs) : victim.cut(forMs);
}
