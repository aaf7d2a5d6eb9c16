import { StreamFullError } from "../bus/results.ts";
import { LaneFullError } from "../domain/errors.ts";
import type { ProcessLog } from "./process-log.ts";
import { seldom } from "./seldom.ts";

/** Whether an outcome was not stored for want of room, in its stream, its account or on the disk. */
export function isRefusedForRoom(error: unknown): error is StreamFullError | LaneFullError {
  return error instanceof StreamFullError || error instanceof LaneFullError;
}

/** What was refused is tried again every second or so: no word of it for so long means that it is over. */
const OVER_AFTER_MS = 15_000;
const TELL_EVERY_MS = 5_000;

/** Outcomes that a stream had no room for: said in the log now and then, and in the health report. */
export class Refusals {
  readonly #tell: (reason: string) => void;
  #last: { readonly at: number; readonly reason: string } | undefined;

  constructor(log: ProcessLog) {
    this.#tell = seldom(TELL_EVERY_MS, Date.now, (reason, refusals) =>
      log.warn({ reason, refusals }, "outcome is refused; trying again"),
    );
  }

  note({ message: reason }: Error): void {
    this.#last = { at: Date.now(), reason };
    this.#tell(reason);
  }

  /** What was refused within the last 15 s. */
  get recent(): string | undefined {
    const last = this.#last;
    return last !== undefined && Date.now() - last.at < OVER_AFTER_MS ? last.reason : undefined;
  }
}
