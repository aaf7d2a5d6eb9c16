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
 * - refused: the stream does not take this message. `errorCode` is JetStream's own (err_code).
 */
export type PubRefusal =
  | { readonly type: "unanswered" }
  | { readonly type: "unavailable"; readonly errorCode?: number; readonly description?: string }
  | { readonly type: "refused"; readonly errorCode: number; readonly description: string };

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
  if (error.code === 503) return { type: "unavailable", errorCode, description };
  return { type: "refused", errorCode, description };
}
