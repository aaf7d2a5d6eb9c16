import { setTimeout as pause } from "node:timers/promises";
import type { ScalingWishes } from "../../bus/scaling-wishes.ts";
import type { ScalingLimits } from "../../domain/scaling-wish.ts";
import {
  changedWish,
  NO_WISH,
  type ScalingWish,
  type WishChange,
} from "../../domain/scaling-wish.ts";

const READ_AGAIN_MS = 1_000;

export interface WishKeeperOptions {
  readonly wishes: ScalingWishes;
  /** The limits by the settings. */
  readonly limits: ScalingLimits;
  /** Whether this orchestrator leads still, for as long as it has then. */
  readonly term: () => number;
  readonly fault: (error: unknown, what: string) => void;
}

/** What people want of scaling, as the leader knows it. */
export class WishKeeper {
  readonly #options: WishKeeperOptions;
  #wish: ScalingWish = NO_WISH;
  #changed: Promise<unknown> = Promise.resolve();

  constructor(options: WishKeeperOptions) {
    this.#options = options;
  }

  get wish(): ScalingWish {
    return this.#wish;
  }

  /** Reads it until it is there: nothing may be decided before. False when the term was over before that. */
  async read(): Promise<boolean> {
    const { wishes, fault, term } = this.#options;
    const ofTerm = term();
    while (term() === ofTerm) {
      try {
        const wish = await wishes.read();
        if (term() !== ofTerm) return false;
        this.#wish = wish;
        return true;
      } catch (error) {
        fault(error, "what is wanted of scaling");
        await pause(READ_AGAIN_MS);
      }
    }
    return false;
  }

  /**
   * Changes it, for every leader to come.
   *
   * @throws InvalidInputError that names each field at fault.
   */
  change(change: WishChange): Promise<void> {
    // One after the other: each changes what the one before it has left.
    const done = this.#changed.then(() => this.#change(change));
    // Who asked for it is told; the next change only waits for its end.
    this.#changed = done.catch(() => {});
    return done;
  }

  async #change(change: WishChange): Promise<void> {
    const { wishes, limits, term } = this.#options;
    const ofTerm = term();
    const wish = changedWish(this.#wish, change, limits, new Date().toISOString());
    await wishes.write(wish);
    // The next leader may have read what was wanted before.
    if (term() !== ofTerm) throw new Error("the leader has changed meanwhile: say it again");
    this.#wish = wish;
  }
}
