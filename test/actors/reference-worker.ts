import { type ReportName, T } from "./support.ts";

/** What a report of the tests scores, by the table of research/peers.md 5.2 and by hand. */
const SCORES: Readonly<Record<ReportName, number>> = {
  fine: 0,
  fair: 1,
  poor: 2,
  worse: 3,
  sick: 5,
  memory: 5,
  saysDegraded: 0,
  saysCritical: 0,
};

interface Beat {
  readonly at: number;
  readonly score: number;
  readonly report: ReportName;
  readonly inFlight: number;
  /** State when it came. */
  readonly visit: number;
}

/** How finely time is sampled: every number in the contract is a multiple. */
export const GRAIN = 100;

/**
 * Contract B5 once more, written as its table reads and not as the machine works: the whole history of
 * beats is kept, and every row is asked after each event and each bit of time.
 */
export class Reference {
  state = "registering";
  now = 0;
  #since = 0;
  /** Counts changes of state, so that a beat knows in which stay it came. */
  #visit = 0;
  #beats: Beat[] = [];
  #pongAt = Number.NEGATIVE_INFINITY;
  #late = false;
  #criticalAt: number[] = [];
  #assigned = 0;
  #drainUntil = 0;
  /** A change that is due by the mere passing of time: it may wait for the next event or look. */
  #due: { readonly to: string; readonly from: number } | undefined;
  readonly #quarantineMs: number;

  constructor(quarantineMs: number) {
    this.#quarantineMs = quarantineMs;
  }

  /** Whether the machine is where it has to be, or where it may be already. */
  accepts({ state, since }: { readonly state: string; readonly since: number }): boolean {
    if (state === this.state) return true;
    if (state !== this.#due?.to || since < this.#due.from) return false;
    this.#enter(state, since);
    return true;
  }

  beat(report: ReportName, inFlight: number): void {
    const gap = this.now - (this.#beats.at(-1)?.at ?? this.now);
    const late = gap > 1.5 * T ? 1 : 0;
    const score = SCORES[report] + late;
    this.#beats.push({ at: this.now, score, report, inFlight, visit: this.#visit });
    this.#late = false;
    this.#judge();
  }

  pong(): void {
    this.#pongAt = this.now;
    this.#judge();
  }

  /** The smallest bit of time passes. */
  pass(): void {
    this.now += GRAIN;
    const beatAt = this.#beats.at(-1)?.at ?? 0;
    const silent = this.now - beatAt;
    const dwell = this.now - this.#since;
    if (this.state === "registering") {
      if (dwell >= this.#quarantineMs + 10 * T) this.#enter("offline");
      return;
    }
    if (silent >= 2.5 * T) this.#late = true;
    const lateAt = Math.max(this.#since, beatAt + 2.5 * T);
    if (this.state === "healthy" && this.#late) this.#enter("degraded", lateAt);
    if (this.state === "draining" && this.now >= this.#drainUntil) this.#enter("offline");
    if (this.state === "critical" && dwell >= 60_000) this.#toDraining();
    const isLost = silent >= 6 * T && this.now - this.#pongAt >= 2_500;
    this.#await(isLost ? "offline" : this.#better());
  }

  drain(deadlineMs: number): void {
    const until = this.now + deadlineMs;
    if (this.state === "draining") this.#drainUntil = Math.min(this.#drainUntil, until);
    else this.#toDraining(deadlineMs);
  }

  assigned(count: number): void {
    this.#assigned = count;
    this.#judge();
  }

  drained(): void {
    if (this.state === "draining") this.#enter("offline");
    this.#judge();
  }

  /** Something came that says nothing: what is due by now is seen all the same. */
  look(): void {
    this.#judge();
  }

  gone(): void {
    this.#enter("offline");
  }

  /** Lost workers are looked at once per interval, better ones at each event. */
  #await(to: string | undefined): void {
    if (to === undefined) this.#due = undefined;
    else if (to !== this.#due?.to) this.#due = { to, from: this.now - GRAIN };
    else if (to === "offline" && this.now - this.#due.from > T + GRAIN) this.#enter("offline");
  }

  #judge(): void {
    for (let before = ""; before !== this.state; ) {
      before = this.state;
      const to = this.#worse() ?? this.#better();
      if (to === "draining") this.#toDraining();
      else if (to !== undefined) this.#enter(to);
    }
  }

  #worse(): string | undefined {
    const last = this.#beats.at(-1);
    const isCritical =
      last?.report === "memory" ||
      last?.report === "saysCritical" ||
      this.#lastAre(2, (beat) => beat.score >= 5);
    const isDegraded =
      this.#late || last?.report === "saysDegraded" || this.#lastAre(2, (beat) => beat.score >= 2);
    switch (this.state) {
      case "healthy":
        return isCritical ? "critical" : isDegraded ? "degraded" : undefined;
      case "degraded":
        return isCritical ? "critical" : undefined;
      case "critical":
        return this.#criticalAt.filter((at) => this.#since - at < 600_000).length >= 3
          ? "draining"
          : undefined;
      default:
        return undefined;
    }
  }

  #better(): string | undefined {
    const dwell = this.now - this.#since;
    const answered = this.#pongAt > this.#since;
    switch (this.state) {
      case "registering":
        return this.#beats.length >= 2 && this.#pongAt >= 0 && dwell >= this.#quarantineMs
          ? "healthy"
          : undefined;
      case "degraded":
        return !this.#late && dwell >= 15_000 && this.#lastHere(4, isGood) ? "healthy" : undefined;
      case "critical":
        return !this.#late && dwell >= 30_000 && answered && this.#lastHere(6, isBetter)
          ? "degraded"
          : undefined;
      case "draining":
        return this.#assigned === 0 && this.#lastHere(2, (beat) => beat.inFlight === 0)
          ? "offline"
          : undefined;
      default:
        return undefined;
    }
  }

  #lastAre(count: number, is: (beat: Beat) => boolean): boolean {
    return this.#beats.length >= count && this.#beats.slice(-count).every(is);
  }

  /** All of them since the state was entered. */
  #lastHere(count: number, is: (beat: Beat) => boolean): boolean {
    return this.#lastAre(count, (beat) => beat.visit === this.#visit && is(beat));
  }

  #toDraining(graceMs = 30_000): void {
    this.#drainUntil = this.now + graceMs;
    this.#enter("draining");
  }

  #enter(state: string, at = this.now): void {
    if (this.state === "offline") return;
    const proven = this.state === "registering" && state === "healthy";
    this.state = state;
    this.#since = at;
    this.#due = undefined;
    this.#visit++;
    if (state === "critical") this.#criticalAt.push(at);
    // What a worker showed while it proved itself counts in its first state too.
    if (proven) this.#beats = this.#beats.map((beat) => ({ ...beat, visit: this.#visit }));
  }
}

function isGood(beat: Beat): boolean {
  return beat.score <= 1 && beat.report !== "saysDegraded" && beat.report !== "saysCritical";
}

function isBetter(beat: Beat): boolean {
  return beat.score <= 3 && beat.report !== "saysCritical";
}
