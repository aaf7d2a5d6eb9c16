import type { ActorRef } from "../kernel/actor.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { InspectionRecord } from "../kernel/reports.ts";
import type {
  InspectionSink,
  MachineDefinition,
  NodeInfo,
  WatchRequest,
} from "../messages/inspection.ts";
import { machineOf, recordTextOf, type Standing, standingOf } from "./actor-records.ts";
import { ContextPace, isQuiet } from "./context-pace.ts";
import { Followers } from "./followers.ts";
import { PutBook } from "./put-book.ts";
import type { Write } from "./redact.ts";
import { ActorMemo } from "./redact-memo.ts";

export interface ActorHubOptions {
  readonly node: Omit<NodeInfo, "v" | "actors" | "dropped">;
  readonly kernel: Kernel;
  readonly sink: InspectionSink;
  readonly write: Write;
  /** Epoch ms. */
  readonly now: () => number;
  /** Somebody begins to watch; called before the actors are looked at. */
  readonly watched?: (() => void) | undefined;
  /** Something could not be told; nothing else suffers by it. */
  readonly fault: (error: unknown, what: string) => void;
  /** How often actors are looked at while nobody watches; default 5 s. */
  readonly sweepMs?: number;
  /** Of the first record; default 1. */
  readonly firstSeq?: number;
}

const SWEEP_MS = 5_000;
const SWEPT_AT_ONCE = 8;
const LONGEST_WATCH_MS = 60_000;
/** A few kB each. */
const MAX_MEMOS = 100;

/**
 * Tells of the actors of one process: of everything they do while somebody watches, and otherwise,
 * by a look at all of them now and then, of what state each is in. An event costs nothing then.
 */
export class ActorHub {
  readonly #options: ActorHubOptions;
  readonly #book: PutBook;
  readonly #followers = new Followers();
  readonly #pace = new ContextPace((address) => this.#tellAgain(address));
  /** How each actor stood when it was last seen. */
  readonly #standings = new Map<string, Standing>();
  /** Of those that are followed by their names. */
  readonly #memos = new Map<string, ActorMemo>();
  /** Those that did something since they were put; known while somebody watches. */
  readonly #changed = new Set<string>();
  /** Whether all others are in the bucket as they are, or on their way there. */
  #isSynced = false;
  #isSweeping = false;
  #syncing: Promise<unknown> = Promise.resolve();
  #leave: (() => void) | undefined;
  #expiry: NodeJS.Timeout | undefined;
  #watchedUntil = 0;
  #sweeper: NodeJS.Timeout | undefined;
  #seq: number;
  #dropped = 0;

  constructor(options: ActorHubOptions) {
    this.#options = options;
    this.#book = new PutBook(options);
    this.#seq = (options.firstSeq ?? 1) - 1;
  }

  get isWatched(): boolean {
    return this.#leave !== undefined;
  }

  /** Begins to look at the actors now and then. */
  start(): void {
    this.#sweeper = setInterval(() => this.#sweep(), this.#options.sweepMs ?? SWEEP_MS).unref();
    this.#sweep();
  }

  /** Who this is, for those who watch. */
  info(): NodeInfo {
    const { node, kernel } = this.#options;
    return { v: 1, ...node, actors: kernel.size, dropped: this.#dropped };
  }

  /**
   * Tells what the actors do for as long as is asked. With `sync` it resolves when each of them is in
   * the bucket as it is now.
   */
  async watch({ watcher, forMs, sync, follow }: WatchRequest): Promise<NodeInfo> {
    const now = this.#options.now();
    const until = now + Math.min(forMs, LONGEST_WATCH_MS);
    const fresh = this.#followers.note(watcher, follow ?? "all", until, now);
    if (until > this.#watchedUntil) {
      this.#watchedUntil = until;
      clearTimeout(this.#expiry);
      this.#expiry = setTimeout(() => this.#detach(), Math.min(forMs, LONGEST_WATCH_MS)).unref();
    }
    if (this.#leave === undefined) {
      this.#options.watched?.();
      this.#attach();
    }
    for (const address of fresh) this.#tellAgain(address);
    if (sync) await this.#sync();
    return this.info();
  }

  /** What was put may be gone: it is put again at the next look, or when a watcher asks. */
  doubt(): void {
    this.#isSynced = false;
    this.#book.doubt();
  }

  /** Stops telling, and takes what was told out of the bucket. */
  async close(): Promise<void> {
    clearInterval(this.#sweeper);
    clearTimeout(this.#expiry);
    this.#pace.stop();
    this.#detach();
    await this.#book.clear();
  }

  #attach(): void {
    // Who is there is put into the bucket by `sync`; said live as well it would be said twice.
    let isIntroduced = false;
    this.#leave = this.#options.kernel.inspect((seen) => {
      if (!isIntroduced && seen.kind === "actor") return;
      this.#tell(seen);
      this.#pace.settle(seen.at);
    });
    isIntroduced = true;
  }

  #detach(): void {
    this.#leave?.();
    this.#leave = undefined;
    this.#watchedUntil = 0;
    this.#followers.clear();
    this.#memos.clear();
    // From here on nobody notes what changes.
    this.#isSynced = false;
    this.#changed.clear();
  }

  #tell(seen: InspectionRecord): void {
    const ref = this.#options.kernel.find(seen.address);
    const machine = ref === undefined ? this.#book.machineOf(seen.address) : machineOf(ref);
    if (machine === undefined) return;
    this.#book.define(machine);
    this.#seq += 1;
    this.#changed.add(seen.address);
    const { sink, node } = this.#options;
    const text = this.#text(seen, machine, this.#seq);
    if (!sink.publish({ node: node.node, address: seen.address }, text)) this.#dropped += 1;
    if (seen.kind === "end") this.#forget(seen.address);
    else this.#book.note(seen, machine);
  }

  #text(seen: InspectionRecord, machine: MachineDefinition, seq: number): string {
    const { write } = this.#options;
    const followed = this.#followers.follow(seen.address);
    const isBrief = followed === undefined ? isQuiet(seen) : this.#pace.isBrief(seen, followed);
    const standing = this.#standing(seen, machine);
    // Where all are followed each has its turn so seldom that little of it is as it was.
    const memo = followed === "named" && !isBrief ? this.#memoOf(seen.address) : undefined;
    return recordTextOf(seen, { standing, seq, write, memo, isBrief });
  }

  #memoOf(address: string): ActorMemo {
    const known = this.#memos.get(address);
    if (known !== undefined) return known;
    const memo = new ActorMemo();
    if (this.#memos.size < MAX_MEMOS) this.#memos.set(address, memo);
    return memo;
  }

  /** As it is now: after a burst, or when somebody begins to follow it. */
  #tellAgain(address: string): void {
    const ref = this.#options.kernel.find(address);
    if (ref !== undefined && this.isWatched) this.#tell(ref.inspect());
  }

  #standing(seen: InspectionRecord, machine: MachineDefinition): Standing {
    const { address, snapshot, at, from, kind } = seen;
    const { state, status, error } = snapshot;
    const known = this.#standings.get(address);
    const hasStayed = known?.state === state;
    if (hasStayed && known.status === status && error === undefined && isQuiet(seen)) return known;
    // Found in it at the first look: who knows for how long.
    const isSeen = known !== undefined || from !== undefined || kind !== "actor";
    const since = hasStayed ? known.since : isSeen ? at : undefined;
    const standing = standingOf(seen, { node: this.#options.node.node, machine }, since);
    this.#standings.set(address, standing);
    return standing;
  }

  /** What has not changed since it was put for an earlier watcher is there already. */
  async #sync(): Promise<void> {
    const actors = this.#actors();
    this.#forgetAllBut(actors);
    const due = this.#isSynced
      ? actors.filter(({ address }) => this.#changed.has(address))
      : actors;
    this.#isSynced = true;
    this.#changed.clear();
    this.#syncing = Promise.all([this.#syncing, ...due.map((ref) => this.#put(ref))]);
    await this.#syncing;
  }

  #forgetAllBut(actors: readonly ActorRef[]): void {
    for (const address of this.#book.forgetAllBut(actors)) this.#forget(address);
  }

  #actors(): readonly ActorRef[] {
    return this.#options.kernel.list();
  }

  async #put(ref: ActorRef): Promise<void> {
    const machine = machineOf(ref);
    this.#book.define(machine);
    const seen = ref.inspect();
    const isStored = await this.#book.put(seen, this.#text(seen, machine, 0), machine);
    if (!isStored) this.#changed.add(ref.address);
  }

  /** A few at a time: nobody waits, and a thousand records at once would stay in the heap as its size. */
  async #putSlowly(due: readonly ActorRef[]): Promise<void> {
    this.#isSweeping = true;
    for (let from = 0; from < due.length; from += SWEPT_AT_ONCE)
      await Promise.all(due.slice(from, from + SWEPT_AT_ONCE).map((ref) => this.#put(ref)));
    this.#isSweeping = false;
  }

  #forget(address: string): void {
    this.#standings.delete(address);
    this.#memos.delete(address);
    this.#pace.forget(address);
  }

  /** Puts what has changed since the last look, and takes out what is gone. */
  #sweep(): void {
    const actors = this.#actors();
    const due = actors.filter((ref) => {
      const { state, status } = ref.snapshot();
      return this.#book.isDue(ref, `${status} ${state}`);
    });
    if (!this.#isSweeping) void this.#putSlowly(due);
    if (this.#book.size > actors.length) this.#forgetAllBut(actors);
  }
}
