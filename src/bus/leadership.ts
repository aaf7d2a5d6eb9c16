import type { KV } from "@nats-io/kv";
import { isLeaseHeld } from "../domain/lease.ts";
import type { Bus } from "./connect.ts";
import { isLostRace } from "./executions.ts";

/** Three renewals fit into a lease. */
const RENEW_MS = 3_000;
const LEASE_KEY = "supervisor";

export interface LeadershipEvents {
  /** It leads from now on: the lease was taken, or confirmed after it had been suspended. */
  readonly acquired: (revision: number) => void;
  readonly lost: (reason: string) => void;
}

/**
 * One orchestrator at a time leads: it alone announces worker states and runs the singletons. The
 * lease is a key in a bucket with a TTL, taken and renewed by compare-and-set on its revision. The
 * data plane needs no leader.
 */
export class Leadership {
  readonly #kv: KV;
  readonly #holder: string;
  readonly #events: LeadershipEvents;
  #revision: number | undefined;
  #askedAt = 0;
  #suspendedAt = 0;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  private constructor(kv: KV, holder: string, events: LeadershipEvents) {
    this.#kv = kv;
    this.#holder = holder;
    this.#events = events;
  }

  /** `holder` names this orchestrator in the lease. Starts trying at once. */
  static async start(bus: Bus, holder: string, events: LeadershipEvents): Promise<Leadership> {
    const leadership = new Leadership(await bus.kvm.open(bus.names.buckets.leases), holder, events);
    await leadership.#tick();
    return leadership;
  }

  get leads(): boolean {
    if (this.#revision === undefined) return false;
    return isLeaseHeld({ askedAt: this.#askedAt, suspendedAt: this.#suspendedAt }, Date.now());
  }

  /**
   * Others may have taken the lease, though it would last longer by the clock here: it counts again
   * once the server has renewed it for a request that was made after this.
   */
  suspend(): void {
    this.#suspendedAt = Date.now();
  }

  /** Who holds the lease now; undefined when nobody does. */
  async holder(): Promise<string | undefined> {
    const entry = await this.#kv.get(LEASE_KEY);
    return entry === null || entry.operation !== "PUT" ? undefined : entry.string();
  }

  /** A holder that is known to be gone: its lease is not waited out. By compare-and-set, as all else. */
  async expel(holder: string): Promise<void> {
    if (this.#stopped || this.#revision !== undefined) return;
    const entry = await this.#kv.get(LEASE_KEY);
    if (entry === null || entry.operation !== "PUT" || entry.string() !== holder) return;
    try {
      await this.#kv.delete(LEASE_KEY, { previousSeq: entry.revision });
    } catch (error) {
      // Another one was faster, or the holder has just renewed it and is not gone after all.
      if (!isLostRace(error)) throw error;
    }
  }

  /** Gives the lease back, so that another takes it at once instead of after 10 s. */
  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    const revision = this.#revision;
    this.#revision = undefined;
    if (revision !== undefined) await this.#kv.delete(LEASE_KEY, { previousSeq: revision });
  }

  async #tick(): Promise<void> {
    try {
      if (this.#revision === undefined) await this.#acquire();
      else await this.#renew(this.#revision);
    } catch (error) {
      this.#failed(error);
    }
    if (!this.#stopped)
      this.#timer = setTimeout(
        () => void this.#tick(),
        this.#revision === undefined ? 1_000 : RENEW_MS,
      );
  }

  async #acquire(): Promise<void> {
    const askedAt = Date.now();
    const revision = await this.#kv.create(LEASE_KEY, this.#holder);
    this.#won(revision, askedAt);
  }

  async #renew(revision: number): Promise<void> {
    const askedAt = Date.now();
    this.#won(await this.#kv.update(LEASE_KEY, this.#holder, revision), askedAt);
  }

  #won(revision: number, askedAt: number): void {
    const led = this.leads;
    this.#revision = revision;
    this.#askedAt = askedAt;
    if (!led && this.leads) this.#events.acquired(revision);
  }

  /**
   * A lost race means that somebody else holds the lease. Any other failure leaves it ours until it
   * must have expired on the server.
   */
  #failed(error: unknown): void {
    if (this.#revision === undefined) return;
    const expired = Date.now() - this.#askedAt > 3 * RENEW_MS;
    if (!isLostRace(error) && !expired) return;
    this.#revision = undefined;
    this.#events.lost(
      isLostRace(error) ? "another orchestrator holds the lease" : "the lease could not be renewed",
    );
  }
}
