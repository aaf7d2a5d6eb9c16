import type { ScalingDecision, ScalingFacts } from "../../domain/scaling-facts.ts";

export interface TimedDecision {
  readonly at: number;
  readonly decision: ScalingDecision;
}

/** Sizes are kept as the largest of so long each: the stabilisation looks at minutes. */
const SLICE_MS = 10_000;

const RECORD_EVERY_MS = 30_000;

type Remembered = Pick<ScalingFacts, "sizes" | "lastUpAt" | "lastDownAt" | "target">;

/** What later decisions have to know of earlier ones. A new leader knows nothing of them and errs on the side of more. */
export class ScalingMemory {
  readonly #keepMs: number;
  #sizes: { at: number; size: number }[] = [];
  #lastUpAt: number | null = null;
  #lastDownAt: number | null = null;
  #target: number | null = null;
  #recordedAt = Number.NEGATIVE_INFINITY;
  #last: TimedDecision | undefined;
  #lastChange: TimedDecision | undefined;

  /** `keepMs` is the stabilisation time. */
  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  get facts(): Remembered {
    const { length } = this.#sizes;
    return {
      sizes: this.#sizes.slice(0, length),
      lastUpAt: this.#lastUpAt,
      lastDownAt: this.#lastDownAt,
      target: this.#target,
    };
  }

  get last(): TimedDecision | undefined {
    return this.#last;
  }

  /** The last one that changed something. */
  get lastChange(): TimedDecision | undefined {
    return this.#lastChange;
  }

  /** A decision that changes nothing is written down once in a while, to show that it was looked at. */
  isRecordDue(now: number): boolean {
    return now - this.#recordedAt >= RECORD_EVERY_MS;
  }

  recorded(now: number): void {
    this.#recordedAt = now;
  }

  note(decision: ScalingDecision, at: number): void {
    this.#last = { at, decision };
    if (decision.size !== null) this.#noteSize(decision.size, at);
    if (decision.action === "hold") return;
    this.#lastChange = this.#last;
    this.#target = decision.desired;
    if (decision.action === "up") this.#lastUpAt = at;
    else this.#lastDownAt = at;
  }

  #noteSize(size: number, at: number): void {
    const slice = Math.floor(at / SLICE_MS);
    const last = this.#sizes.at(-1);
    if (last !== undefined && Math.floor(last.at / SLICE_MS) === slice)
      last.size = Math.max(last.size, size);
    else this.#sizes.push({ at, size });
    this.#sizes = this.#sizes.filter((sample) => at - sample.at <= this.#keepMs + SLICE_MS);
  }
}
