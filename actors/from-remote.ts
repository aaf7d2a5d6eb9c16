import type { ActorLogic, Snapshot } from "xstate";
import { RemoteActorError } from "../src/domain/errors.ts";
import type {
  ActorRecord,
  InspectionListener,
  InspectionSource,
  InspectionWatch,
} from "../src/messages/inspection.ts";
import { RemoteViews } from "./remote-view.ts";

export interface RemoteOptions {
  /** Where actors are seen; `client.actors` of `connect()` is one. */
  readonly source: InspectionSource;
  /** A process that was not heard for so long is given up; default 10 s, at least 6 s. */
  readonly silentMs?: number;
  /** How long an actor that nobody knows is waited for; default 10 s. */
  readonly timeoutMs?: number;
}

/** An actor of another process, as it was told last. Its context and output had secrets and payloads taken out. */
export type RemoteView = Pick<
  ActorRecord,
  "node" | "incarnation" | "machineId" | "state" | "value" | "tags" | "context" | "at" | "since"
>;

/** `context` is the remote actor as it was told last; undefined until it was told for the first time. */
export type RemoteSnapshot = Snapshot<unknown> & {
  readonly context: RemoteView | undefined;
};

/** What the mirror tells itself. Whatever else is sent to it has no effect: it only mirrors. */
type RemoteEvent =
  | { readonly type: "remote.seen"; readonly record: ActorRecord }
  | { readonly type: "remote.failed"; readonly error: unknown }
  | { readonly type: "xstate.stop" };

export type RemoteLogic = ActorLogic<RemoteSnapshot, { readonly type: string }, undefined>;

const SILENT_MS = 10_000;
/** Processes are asked every 5 s: who is given up sooner had no time to answer. */
const LEAST_SILENT_MS = 6_000;
const TIMEOUT_MS = 10_000;
/** The last of an actor may be on its way still when it is taken out of the bucket. */
const LAST_WORDS_MS = 1_000;

/**
 * An actor of another process as ordinary actor logic: to be invoked, spawned, watched and waited for
 * like a local one. `fromRemote("worker/w-1", { source: client.actors })`.
 *
 * Its snapshot's `context` is a RemoteView. It is done, with the remote output, when the remote actor
 * is done. It fails with a RemoteActorError, so that a parent gets `xstate.error.actor.<id>`, when the
 * process falls silent, the actor is gone, failed, or began another life, and when nobody knows it.
 * Nothing is sent to the remote actor: commands go over the subjects of the contract.
 */
export function fromRemote(address: string, options: RemoteOptions): RemoteLogic {
  const mirrors = new WeakMap<object, Mirroring>();
  return {
    config: { address },
    getInitialSnapshot: () => ({
      status: "active",
      output: undefined,
      error: undefined,
      context: undefined,
    }),
    transition(snapshot, event, { self }) {
      if (snapshot.status !== "active") return snapshot;
      const next = step(snapshot, event as RemoteEvent);
      if (next.status !== "active") mirrors.get(self)?.stop();
      return next;
    },
    start(_, { self }) {
      mirrors.set(self, new Mirroring(address, options, (event) => self.send(event)));
    },
    getPersistedSnapshot: (snapshot) => snapshot,
    restoreSnapshot: (snapshot) => ({ ...snapshot, context: undefined }) as RemoteSnapshot,
  };
}

function step(snapshot: RemoteSnapshot, event: RemoteEvent): RemoteSnapshot {
  switch (event.type) {
    case "remote.seen": {
      const { record } = event;
      const context = viewOf(record);
      if (record.status !== "done") return { ...snapshot, context } as RemoteSnapshot;
      return { ...snapshot, context, status: "done", output: record.output } as RemoteSnapshot;
    }
    case "remote.failed":
      return { ...snapshot, status: "error", error: event.error } as RemoteSnapshot;
    case "xstate.stop":
      return { ...snapshot, status: "stopped" } as RemoteSnapshot;
    default:
      return snapshot;
  }
}

function viewOf(record: ActorRecord): RemoteView {
  const { node, incarnation, machineId, state, value, tags, context, at, since } = record;
  return { node, incarnation, machineId, state, value, tags, context, at, since };
}

/** The watching behind one mirror. */
class Mirroring {
  readonly #address: string;
  readonly #views: RemoteViews;
  readonly #silentMs: number;
  readonly #tell: (event: RemoteEvent) => void;
  readonly #timers = new Set<NodeJS.Timeout>();
  #lookedAt = Date.now();
  #seen: ActorRecord | undefined;
  #watch: InspectionWatch | undefined;
  #isOver = false;

  constructor(address: string, options: RemoteOptions, tell: (event: RemoteEvent) => void) {
    const { source, silentMs = SILENT_MS, timeoutMs = TIMEOUT_MS } = options;
    this.#address = address;
    this.#views = new RemoteViews(address);
    this.#silentMs = Math.max(silentMs, LEAST_SILENT_MS);
    this.#tell = tell;
    this.#timers.add(setInterval(() => this.#look(), this.#silentMs / 8));
    this.#after(timeoutMs, () => {
      if (this.#seen !== undefined) return;
      this.#fail(new RemoteActorError(`nobody knows an actor ${address}`, "unknown"));
    });
    // In a turn of its own: whoever starts it is in the middle of a transition.
    queueMicrotask(() => void this.#begin(source));
  }

  stop(): void {
    this.#isOver = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#watch?.stop();
  }

  async #begin(source: InspectionSource): Promise<void> {
    if (this.#isOver) return;
    try {
      const listener: InspectionListener = {
        record: (record) => {
          if (this.#views.record(record, Date.now())) this.#judge();
        },
        machine: () => {},
        node: ({ node }) => this.#views.heard(node, Date.now()),
        nodeGone: (node) => {
          if (this.#views.nodeGone(node)) this.#judge("silent");
        },
        gone: (node, address) => {
          if (this.#views.gone(node, address))
            this.#after(LAST_WORDS_MS, () => this.#judge("gone"));
        },
      };
      this.#watch = await source.watch(listener, [this.#address]);
      if (this.#isOver) this.#watch.stop();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whoever stood still for a while has heard nobody in that time: it looks again before it judges. */
  #look(): void {
    const now = Date.now();
    const hasStoodStill = now - this.#lookedAt > this.#silentMs / 2;
    this.#lookedAt = now;
    if (!hasStoodStill && this.#views.forgetSilent(this.#silentMs, now)) this.#judge("silent");
  }

  #judge(missing: "silent" | "gone" = "gone"): void {
    if (this.#isOver) return;
    try {
      const best = this.#views.best();
      if (best !== undefined) this.#see(best);
      else if (this.#seen !== undefined) this.#fail(lossOf(this.#address, missing));
    } catch (error) {
      this.#fail(error);
    }
  }

  #see(record: ActorRecord): void {
    if (record === this.#seen) return;
    this.#seen = record;
    this.#tell({ type: "remote.seen", record });
  }

  #fail(error: unknown): void {
    if (!this.#isOver) this.#tell({ type: "remote.failed", error });
  }

  #after(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#isOver) act();
    }, ms);
    this.#timers.add(timer);
  }
}

function lossOf(address: string, missing: "silent" | "gone"): RemoteActorError {
  return missing === "silent"
    ? new RemoteActorError(`the process of ${address} does not answer any more`, "silent")
    : new RemoteActorError(`${address} is not there any more`, "gone");
}
