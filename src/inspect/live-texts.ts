import type { ActorRecord, MachineDefinition } from "../messages/inspection.ts";
import { pageMachine, summaryOf } from "./live-summary.ts";
import type { Mirror } from "./mirror.ts";

/**
 * The messages to pages as text. Each part is written once and not once for each viewer: with a
 * hundred of them writing would be most of the work.
 */
export class LiveTexts {
  readonly #mirror: Mirror;
  readonly #summaries = new WeakMap<ActorRecord, { readonly isLost: boolean; text: string }>();
  readonly #full = new WeakMap<ActorRecord, string>();
  readonly #brief = new WeakMap<ActorRecord, string>();

  #nodes: string | undefined;

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
  }

  nodes(): string {
    this.#nodes ??= JSON.stringify({ type: "nodes", nodes: [...this.#mirror.nodes.values()] });
    return this.#nodes;
  }

  /** To be called when they have changed. */
  forgetNodes(): void {
    this.#nodes = undefined;
  }

  machines(machines: readonly MachineDefinition[]): string {
    return JSON.stringify({ type: "machines", machines: machines.map(pageMachine) });
  }

  actors(keys: readonly string[], isFirst: boolean, isLast: boolean): string {
    const actors = this.#present(keys).join(",");
    return `{"type":"actors","first":${isFirst},"actors":[${actors}],"complete":${isLast}}`;
  }

  changes(at: string, keys: Iterable<string>): string {
    const all = [...keys];
    const gone = all.filter((key) => !this.#mirror.actors.has(key));
    const actors = this.#present(all).join(",");
    return `{"type":"changes","at":${JSON.stringify(at)},"actors":[${actors}],"gone":${JSON.stringify(gone)}}`;
  }

  /** In full, or without what only one who follows the actor needs. */
  record(record: ActorRecord, isFull: boolean): string {
    const cache = isFull ? this.#full : this.#brief;
    const known = cache.get(record);
    if (known !== undefined) return known;
    const { output: _output, ...rest } = record;
    const text = JSON.stringify(isFull ? record : { ...rest, context: null, timers: [] });
    cache.set(record, text);
    return text;
  }

  #present(keys: readonly string[]): string[] {
    return keys.flatMap((key) => {
      const record = this.#mirror.actors.get(key);
      return record === undefined ? [] : [this.#summary(record)];
    });
  }

  #summary(record: ActorRecord): string {
    const isLost = this.#mirror.isLost(record);
    const known = this.#summaries.get(record);
    if (known?.isLost === isLost) return known.text;
    const text = JSON.stringify(summaryOf(record, isLost));
    this.#summaries.set(record, { isLost, text });
    return text;
  }
}
