import type { Msg } from "nats";
import { isNoResponders } from "./request-mux.ts";

/** A stream's answer to a publish: it stored the message, or found it there already. */
export interface PubAck {
  readonly stream: string;
  readonly seq: number;
  readonly duplicate?: boolean;
}

/**
 * Why a publish was not stored.
 * - unanswered: no answer in time; it may have been stored all the same.
 * - unavailable: nothing took it, now: no stream, or no leader. It was not stored.
 * - full: the stream, its account or its disk has no room now. It was not stored.
 * - refused: the stream does not take this message. `errorCode` is JetStream's own (err_code).
 */
export type PubRefusal =
  | { readonly type: "unanswered" }
  | { readonly type: "unavailable"; readonly errorCode?: number; readonly description?: string }
  | {
      readonly type: "full" | "refused";
      readonly errorCode: number;
      readonly description: string;
    };

/** The store failed, which says why in words only. */
const STORE_FAILED = 10_077;
/** err_code of: account limits exceeded; insufficient resources, memory, storage. */
const NO_ROOM = new Set([10_002, 10_023, 10_028, 10_047]);

interface ApiError {
  readonly error: {
    readonly code?: number;
    readonly err_code?: number;
    readonly description?: string;
  };
}

/** Undefined for a message that was stored; `msg` is undefined after a time-out. */
export function refusalOf(msg: Msg | undefined): PubRefusal | undefined {
  if (msg === undefined) return { type: "unanswered" };
  if (isNoResponders(msg)) return { type: "unavailable" };
  const text = msg.string();
  // Parsing is for failures only: this runs once per execution.
  if (!text.includes('"error"')) return undefined;
  const { error } = JSON.parse(text) as ApiError;
  const { err_code: errorCode = 0, description = "no reason was given" } = error;
  if (isFull(errorCode, description)) return { type: "full", errorCode, description };
  if (error.code === 503) return { type: "unavailable", errorCode, description };
  return { type: "refused", errorCode, description };
}

/** Servers say it with the code of "unavailable" (503), but it does not pass by itself. */
function isFull(errorCode: number, description: string): boolean {
  if (NO_ROOM.has(errorCode)) return true;
  return errorCode === STORE_FAILED && /maximum|no space|insufficient/i.test(description);
}
