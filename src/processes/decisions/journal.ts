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
  readonly bus: Pick<Bus, "mux" | "names" | "maxPayloadBytes">;
  readonly orchestratorId: string;
  readonly policyVersion: string;
  readonly log: ProcessLog;
  /** Epoch milliseconds. */
  readonly now?: () => number;
}

/** How the journal has fared since its process started. */
export interface JournalReport {
  readonly recorded: number;
  readonly dropped: number;
  /** Why some could not be stored in the last minute; undefined when all could. */
  readonly trouble: string | undefined;
}

/** Beyond this they are dropped: a bus that is away for long must not cost the memory of a process. */
const MAX_WAITING = 1_000;
const MAX_WAITING_BYTES = 16 * 1_048_576;
const MAX_UNDER_WAY = 64;

/** Of each kind: ten thousand flows that fail at once must not cost as many writes again. */
const RATE = { burst: 3_000, perSecond: 200 } as const;

const TELL_EVERY_MS = 30_000;
const TROUBLE_MS = 60_000;
const HEADERS_BYTES = 1_024;
/** Enough for all that is known of a thousand workers, wherever a server would take more. */
const MAX_BYTES = 1_048_576;

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
  #recorded = 0;
  #dropped = 0;
  #lastFault: { readonly why: string; readonly at: number } | undefined;
  #idle: (() => void)[] = [];

  constructor(options: JournalOptions) {
    const { log, now = Date.now } = options;
    this.#options = options;
    this.#now = now;
    this.#tellDropped = seldom(TELL_EVERY_MS, now, (why: string, times) =>
      log.warn({ why, times, dropped: this.#dropped }, "decisions are not taken down"),
    );
  }

  get report(): JournalReport {
    const last = this.#lastFault;
    const isLate = last !== undefined && this.#now() - last.at < TROUBLE_MS;
    const trouble = isLate ? last.why : undefined;
    return { recorded: this.#recorded, dropped: this.#dropped, trouble };
  }

  /** Never throws, whatever it is given. */
  record(draft: DecisionDraft): void {
    try {
      if (this.#isFull()) this.#fail("the bus does not keep up");
      else if (this.#mayRecord(draft.kind)) this.#add(this.#encode(draft));
      else this.#drop(`too many of kind ${draft.kind} at once`);
    } catch (error) {
      this.#fail(`a decision cannot be written: ${(error as Error).message}`);
    }
  }

  /** Resolves once all that was recorded is stored or dropped; what is left after `timeoutMs` is dropped. */
  async settled(timeoutMs: number): Promise<void> {
    if (this.#underWay === 0) return;
    let late: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#idle.push(resolve);
      late = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(late);
    for (const _ of this.#takeWaiting()) this.#fail("there was no more time to store them");
  }

  /** Asked before one is encoded: a thousand workers take a millisecond. */
  #isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING || this.#waitingBytes >= MAX_WAITING_BYTES;
  }

  #add(encoded: EncodedDecision): void {
    this.#waiting.push(encoded);
    this.#waitingBytes += encoded.body.length;
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
    const maxBytes = Math.min(MAX_BYTES, bus.maxPayloadBytes) - HEADERS_BYTES;
    return { decision, body: fitted(decision, maxBytes) };
  }

  #publish(): void {
    while (this.#underWay < MAX_UNDER_WAY) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#waitingBytes -= next.body.length;
      this.#underWay += 1;
      publishDecision(this.#options.bus, next)
        .then(() => {
          this.#recorded += 1;
        })
        .catch((error: unknown) => this.#fail((error as Error).message))
        .finally(() => this.#published());
    }
  }

  #published(): void {
    this.#underWay -= 1;
    this.#publish();
    if (this.#underWay > 0) return;
    for (const tell of this.#idle.splice(0)) tell();
  }

  #takeWaiting(): readonly EncodedDecision[] {
    this.#waitingBytes = 0;
    return this.#waiting.splice(0);
  }

  #mayRecord(kind: DecisionKind): boolean {
    const now = this.#now();
    const bucket = this.#buckets.get(kind);
    if (waitForToken(bucket, RATE, now) > 0) return false;
    this.#buckets.set(kind, withoutToken(bucket, RATE, now));
    return true;
  }

  /** That something is wrong is told for a while; that there were too many is as it should be. */
  #fail(why: string): void {
    this.#lastFault = { why, at: this.#now() };
    this.#drop(why);
  }

  #drop(why: string): void {
    this.#dropped += 1;
    this.#tellDropped(why);
  }
}
