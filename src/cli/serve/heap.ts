import { setFlagsFromString } from "node:v8";

/** How much V8 lets the old generation grow before it collects it, or 8 MB; it would let it grow fourfold. */
const GROWTH_PERCENT = 18;
const LOOK_MS = 30_000;
/** How long of each look at an idle heap collections also put together what is left, and give pages back. */
const TIDY_MS = 8_000;
/** Always on it would cost a fifth more of a core; for a while now and then it is 6 MB less all the same. */
const TIDY = "--optimize-for-size";
const UNTIDY = "--no-optimize-for-size";

/**
 * While there is nothing to do: the young generation stays as it is, the old one is collected when it has
 * grown by 60 % of what it may, and code that has not run for two collections is given up. With 40 % it is
 * 2 MB less for a tenth more of a core (1,000 idle workers).
 */
const IDLE = [
  "--semi-space-growth-factor=1",
  "--incremental-marking-hard-trigger=60",
  "--flush-baseline-code",
  "--bytecode-old-age=2",
] as const;

/** As V8 has it by itself. */
const BUSY = [
  "--semi-space-growth-factor=2",
  "--incremental-marking-hard-trigger=0",
  "--no-flush-baseline-code",
  "--bytecode-old-age=5",
] as const;

/**
 * Keeps the heap of an orchestrator small while it only watches its fleet. What comes with each beat
 * lives until the next one: V8 takes that for long-lived, and would let it pile up (1,000 idle workers:
 * 217 MB and rising after a minute, against 100 MB). Under load the young generation may grow, as
 * collecting a small one often costs throughput.
 */
export class Heap implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #tidying: NodeJS.Timeout | undefined;
  #isRoomy = false;
  #hasWorked = false;

  constructor() {
    setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
    this.#set(false);
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** A task was given to a worker. Called for each. */
  worked(): void {
    this.#hasWorked = true;
    if (!this.#isRoomy) this.#set(true);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    this.#endTidying();
  }

  #look(): void {
    if (!this.#hasWorked && this.#isRoomy) this.#set(false);
    if (!this.#hasWorked) this.#tidy();
    this.#hasWorked = false;
  }

  #tidy(): void {
    setFlagsFromString(TIDY);
    this.#tidying = setTimeout(() => this.#endTidying(), TIDY_MS).unref();
  }

  #endTidying(): void {
    clearTimeout(this.#tidying);
    setFlagsFromString(UNTIDY);
  }

  /** V8 reads these at each collection, and shrinks a young generation that is idle by itself. */
  #set(isRoomy: boolean): void {
    this.#isRoomy = isRoomy;
    this.#endTidying();
    for (const flag of isRoomy ? BUSY : IDLE) setFlagsFromString(flag);
  }
}
