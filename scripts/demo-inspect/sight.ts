import type { Bus } from "../../src/bus/connect.ts";
import { BusInspectionSource } from "../../src/bus/inspection-source.ts";
import { ActorTable, leaderOf } from "../../src/messages/actor-table.ts";
import type { ActorRecord, InspectionWatch } from "../../src/messages/inspection.ts";

const TOLD = new Set(["worker", "supervisor", "lease"]);

/** What the inspector sees, told line by line: changes of state as the leader has them, and processes. */
export class Sight {
  readonly table = new ActorTable();
  /** Changes of workers' states, as `<address> <to>`; "again" behind a life after another one. */
  readonly #changes = new Set<string>();
  readonly #say: (line: string) => void;
  #watch: InspectionWatch | undefined;
  #listeners: (() => void)[] = [];

  constructor(say: (line: string) => void) {
    this.#say = say;
  }

  async start(bus: Bus): Promise<void> {
    this.#watch = await new BusInspectionSource(bus, { renewMs: 1_000 }).watch({
      record: (record, isLive) => {
        this.table.record(record);
        if (isLive) this.#note(record);
        this.#changed();
      },
      machine: this.table.machine,
      node: (node) => {
        const isNew = !this.table.nodes().some((known) => known.node === node.node);
        this.table.node(node);
        if (isNew) this.#tell(`process ${node.node} is there (${node.kind}, pid ${node.pid})`);
        this.#changed();
      },
      nodeGone: (node) => {
        this.table.nodeGone(node);
        this.#tell(`process ${node} does not answer any more`);
        this.#changed();
      },
      gone: this.table.gone,
    });
    await this.#watch.complete;
  }

  stop(): void {
    this.#watch?.stop();
  }

  /** How many workers are in a state, as the leader has them. */
  count(state: string): number {
    const actors = this.table.actors();
    const leader = leaderOf(actors);
    return actors.filter(
      (actor) => actor.machineId === "worker" && actor.node === leader && actor.state === state,
    ).length;
  }

  saw(change: string): boolean {
    return this.#changes.has(change);
  }

  /** Resolves once the condition holds; rejects after `timeoutMs`, saying what was waited for. */
  async until(what: string, timeoutMs: number, holds: () => boolean): Promise<void> {
    const lateAt = Date.now() + timeoutMs;
    while (!holds()) {
      if (Date.now() > lateAt) throw new Error(`${what}: not within ${timeoutMs / 1_000} s`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 500);
        this.#listeners.push(() => {
          clearTimeout(timer);
          resolve();
        });
      });
    }
  }

  #note(record: ActorRecord): void {
    const { address, machineId, node, from, state } = record;
    if (from === undefined || from === state || !TOLD.has(machineId)) return;
    const leader = leaderOf(this.table.actors());
    if (machineId === "worker" && leader !== undefined && node !== leader) return;
    const why = whyOf(record);
    const isAgain = state === "healthy" && this.saw(`${address} offline`);
    this.#changes.add(isAgain ? `${address} healthy again` : `${address} ${state}`);
    this.#tell(`${address}: ${from} -> ${state}${why === "" ? "" : ` (${why})`}`);
  }

  #tell(line: string): void {
    this.#say(`  ${new Date().toISOString().slice(11, 23)}  ${line}`);
  }

  #changed(): void {
    for (const listener of this.#listeners.splice(0)) listener();
  }
}

function whyOf({ context, event }: ActorRecord): string {
  const { reasons } = (context ?? {}) as { readonly reasons?: unknown };
  if (Array.isArray(reasons) && reasons.length > 0) return reasons.join(", ");
  return event?.type ?? "";
}
