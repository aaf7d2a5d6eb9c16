import { monotonicFactory } from "ulid";
import type { Bus } from "../../bus/connect.ts";
import { type EncodedDecision, publishDecision } from "../../bus/decisions.ts";
import { type Bucket, waitForToken, withoutToken } from "../../domain/token-bucket.ts";
import type { Decision, DecisionDraft, DecisionSink } from "../../messages/decision.ts";
import type { DecisionKind } from "../../messages/subjects.ts";
import type { ProcessLog } from "../process-log.ts";
import { seldom } from "../seldom.ts";
import { fitted } from "./fit-decision.ts";

export interface JournalOptions {
  readonly bus: Bus;
  readonly orchestratorId: string;
  readonly policyVersion: string;
  readonly log: ProcessLog;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

/** Beyond this they are dropped: a bus that is away for long must not cost the memory of a process. */
const MAX_WAITING = 1_000;
const MAX_WAITING_BYTES = 16 * 1_048_576;
const MAX_UNDER_WAY = 64;

/** Of each kind: ten thousand flows that fail at once must not cost as many writes again. */
const RATE = { burst: 1_000, perSecond: 200 } as const;

const TELL_EVERY_MS = 30_000;
const HEADERS_BYTES = 1_024;

/**
 * Takes down what was decided on `supervisor.decision.<kind>`. No decision waits for it: what cannot be
 * stored in time is dropped, counted and told.
 */
export class DecisionJournal implements DecisionSink {
  readonly #options: JournalOptions;
  readonly #now: () => number;
  /** In the order in which they were made, those of one millisecond too. */
  readonly #newId = monotonicFactory();
  readonly #buckets = new Map<DecisionKind, Bucket>();
  readonly #tellDropped: (why: string) => void;
  #waiting: EncodedDecision[] = [];
  #waitingBytes = 0;
  #underWay = 0;
  #dropped = 0;
  #idle: (() => void)[] = [];

  constructor(options: JournalOptions) {
    const { log, now = Date.now } = options;
    this.#options = options;
    this.#now = now;
    this.#tellDropped = seldom(TELL_EVERY_MS, now, (why: string, times) =>
      log.warn({ why, times, dropped: this.#dropped }, "decisions are not taken down"),
    );
  }

  /** Decisions that were made and not taken down. */
  get dropped(): number {
    return this.#dropped;
  }

  record(draft: DecisionDraft): void {
    if (this.#mayRecord(draft.kind)) this.#add(this.#encode(draft));
    else this.#drop("too many at once");
  }

  /** Resolves once all that was recorded is stored or dropped, or after `timeoutMs`. */
  async settled(timeoutMs: number): Promise<void> {
    if (this.#underWay === 0) return;
    let late: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      late = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(late);
  }

  #add(encoded: EncodedDecision): void {
    const bytes = this.#waitingBytes + encoded.body.length;
    if (this.#waiting.length >= MAX_WAITING || bytes > MAX_WAITING_BYTES) {
      this.#drop("the bus does not keep up");
      return;
    }
    this.#waiting.push(encoded);
    this.#waitingBytes = bytes;
    this.#publish();
  }

  #encode(draft: DecisionDraft): EncodedDecision {
    const { bus, orchestratorId, policyVersion } = this.#options;
    const now = this.#now();
    const decision: Decision = {
      decisionId: this.#newId(now),
      at: new Date(now).toISOString(),
      by: orchestratorId,
      policyVersion,
      candidates: [],
      ...draft,
    };
    return { decision, body: fitted(decision, bus.maxPayloadBytes - HEADERS_BYTES) };
  }

  #publish(): void {
    while (this.#underWay < MAX_UNDER_WAY) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.body.length;
      this.#underWay += 1;
      void publishDecision(this.#options.bus, next)
        .catch((error: unknown) => this.#drop((error as Error).message))
        .finally(() => this.#published());
    }
  }

  #published(): void {
    this.#underWay -= 1;
    this.#publish();
    if (this.#underWay > 0) return;
    for (const tell of this.#idle.splice(0)) tell();
  }

  #mayRecord(kind: DecisionKind): boolean {
    const now = this.#now();
    const bucket = this.#buckets.get(kind);
    if (waitForToken(bucket, RATE, now) > 0) return false;
    this.#buckets.set(kind, withoutToken(bucket, RATE, now));
    return true;
  }

  #drop(why: string): void {
    this.#dropped += 1;
    this.#tellDropped(why);
  }
}
