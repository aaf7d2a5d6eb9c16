import type { ActorEvent, ActorRef, ActorSpec } from "./actor.ts";
import type { Clock } from "./clock.ts";
import { AddressTakenError } from "./errors.ts";
import { HostedActor } from "./hosted-actor.ts";
import { Hub } from "./hub.ts";
import type { Inspector, KernelCounters, KernelListeners } from "./reports.ts";
import { DEFAULT_RESTARTS, type RestartPolicy } from "./restarts.ts";
import { SystemClock } from "./system-clock.ts";

export interface KernelOptions extends KernelListeners {
  /** Default: the system's. */
  readonly clock?: Clock;
  readonly restarts?: Partial<RestartPolicy>;
}

/** An actor of any machine. */
type Hosted = HostedActor<ActorEvent, unknown, unknown>;

/**
 * The actors of one process. Each is the root of its own system: parents cost quadratic time
 * (docs: research/xstate.md 3.2), and so no actor can take another down, or the process.
 */
export class Kernel implements Disposable {
  readonly clock: Clock;
  readonly #restarts: RestartPolicy;
  readonly #hub: Hub;
  /** In the order in which they were started. */
  readonly #actors = new Map<string, Hosted>();

  constructor(options: KernelOptions = {}) {
    this.clock = options.clock ?? new SystemClock();
    this.#restarts = { ...DEFAULT_RESTARTS, ...options.restarts };
    this.#hub = new Hub(options);
  }

  /** How many actors there are, faulted ones included. */
  get size(): number {
    return this.#actors.size;
  }

  get counters(): KernelCounters {
    return { ...this.#hub.counters };
  }

  /**
   * Starts an actor. A faulted actor at the same address is replaced.
   *
   * @throws AddressTakenError when a living one has the address.
   * @throws ActorStartError when the machine cannot make its first state.
   */
  start<E extends ActorEvent, I, C>(spec: ActorSpec<E, I, C>): ActorRef<E, C> {
    const present = this.#actors.get(spec.address);
    if (present?.isAlive) throw new AddressTakenError(`${spec.address} has a living actor`);
    const incarnation = spec.incarnation ?? String(this.#hub.counters.started + 1);
    const actor = new HostedActor(spec, incarnation, {
      clock: this.clock,
      restarts: this.#restarts,
      hub: this.#hub,
      left: (gone) => this.#forget(gone),
    });
    this.#actors.delete(spec.address);
    this.#actors.set(spec.address, actor as unknown as Hosted);
    this.#hub.counters.started++;
    actor.start();
    return actor;
  }

  /** The types are the caller's word: an address says which machine lives there. */
  find<E extends ActorEvent = ActorEvent, C = unknown>(
    address: string,
  ): ActorRef<E, C> | undefined {
    return this.#actors.get(address) as ActorRef<E, C> | undefined;
  }

  /** Every actor whose address begins with `prefix`, in the order in which they were started. */
  list<E extends ActorEvent = ActorEvent, C = unknown>(prefix = ""): ActorRef<E, C>[] {
    const found = [...this.#actors.values()].filter(({ address }) => address.startsWith(prefix));
    return found as unknown as ActorRef<E, C>[];
  }

  /** Sends to whoever has the address. False means a dead letter: there is nobody. */
  send(address: string, event: ActorEvent): boolean {
    const actor = this.#actors.get(address);
    if (actor !== undefined) return actor.send(event);
    return this.#hub.deadLetter({ address, event, reason: "unknown-address" });
  }

  /** Stops an actor where it stands, without its final state. False: there was none. */
  stop(address: string): boolean {
    const actor = this.#actors.get(address);
    actor?.stop();
    return this.#actors.delete(address);
  }

  /** Stops all actors, the last started first. */
  stopAll(): void {
    for (const address of [...this.#actors.keys()].reverse()) this.stop(address);
  }

  /**
   * Watches all actors, those to come included, until the returned function is called. It is told of
   * each living actor first. What it throws is counted and goes no further.
   */
  inspect(inspector: Inspector): () => void {
    const { inspectors } = this.#hub;
    inspectors.add(inspector);
    for (const actor of this.#actors.values()) {
      this.#hub.tell(inspector, actor.record("actor"));
      actor.watch();
    }
    return () => {
      inspectors.delete(inspector);
      if (inspectors.size > 0) return;
      for (const actor of this.#actors.values()) actor.unwatch();
    };
  }

  [Symbol.dispose](): void {
    this.stopAll();
  }

  /** The address may belong to a successor by now. */
  #forget(actor: ActorRef): void {
    const { address } = actor;
    if ((this.#actors.get(address) as ActorRef | undefined) === actor) this.#actors.delete(address);
  }
}
