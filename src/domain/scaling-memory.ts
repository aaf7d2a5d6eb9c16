import type { ScalingDecision, ScalingFacts } from "./scaling-facts.ts";

export interface TimedDecision {
  readonly at: number;
  readonly decision: ScalingDecision;
}

/** Sizes are kept as the largest of so long each: the stabilisation looks at minutes. */
const SLICE_MS = 10_000;

const RECORD_EVERY_MS = 10_000;

/** Reasons without their numbers. */
function shapeOf(reasons: readonly string[]): string {
  return reasons.join("; ").replace(/\d+(\.\d+)?/g, "#");
}

type Remembered = Pick<ScalingFacts, "sizes" | "lastUpAt" | "lastDownAt" | "target">;

/** What later decisions have to know of earlier ones. */
export class ScalingMemory {
  readonly #keepMs: number;
  #sizes: { at: number; size: number }[] = [];
  #lastUpAt: number | null = null;
  #lastDownAt: number | null = null;
  #target: number | null = null;
  #recordedShape = "";
  #recordedAt = Number.NEGATIVE_INFINITY;
  #last: TimedDecision | undefined;
  #lastChange: TimedDecision | undefined;

  /** `keepMs` is the stabilisation time. */
  constructor(keepMs: number) {
    this.#keepMs = keepMs;
  }

  /**
   * A new leader: what there is was asked for by somebody, so that it stays for the stabilisation time, and
   * one of them that ends is replaced.
   */
  begin(count: number, at: number): void {
    this.#sizes = [{ at, size: count }];
    this.#target = count;
    this.#lastUpAt = null;
    this.#lastDownAt = null;
    this.#last = undefined;
    this.#lastChange = undefined;
  }

  get facts(): Remembered {
    return {
      sizes: this.#sizes.map((sample) => ({ ...sample })),
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

  recorded({ reasons }: ScalingDecision, now: number): void {
    this.#recordedAt = now;
    this.#recordedShape = shapeOf(reasons);
  }

  /** Whether something else was decided last; numbers change with every look. */
  isNews({ action, reasons }: ScalingDecision): boolean {
    return action !== "hold" || this.#recordedShape !== shapeOf(reasons);
  }

  /** `least` is the number below which starting workers is no scaling, but what was to be there anyway. */
  note(decision: ScalingDecision, at: number, least: number): void {
    this.#last = { at, decision };
    if (decision.size !== null) this.#noteSize(decision.size, at);
    if (decision.action === "hold") return;
    this.#lastChange = this.#last;
    const isGrowth = decision.desired > Math.max(least, this.#target ?? 0);
    this.#target = decision.desired;
    if (decision.action === "down") this.#lastDownAt = at;
    else if (isGrowth) this.#lastUpAt = at;
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
