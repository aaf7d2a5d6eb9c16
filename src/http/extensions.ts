import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Call } from "./call.ts";

/**
 * What else is served on the port of the HTTP API: pages that only read, and connections that are
 * taken over (WebSockets). All of it passes the guard of the API first; where a token is set, who has
 * a session (`POST /inspect/session`) passes as well, since browsers cannot send a token everywhere.
 */
export interface HttpExtensions {
  readonly pages?: readonly PageRoute[];
  readonly upgrades?: readonly UpgradeRoute[];
  /** Origins besides our own whose pages may open a connection, like https://ops.example.org. */
  readonly origins?: readonly string[];
  /** A connection was not taken over; called for each, so it has to be cheap. */
  readonly refused?: (refusal: Refusal) => void;
  /** Ends what was taken over. What is still open once the server's grace is over is cut. */
  close?(): void;
}

/** A GET (and HEAD) that answers text or bytes. Failures are thrown as in a `Route`. */
export interface PageRoute {
  /** `:name` stands for one segment. */
  readonly path: string;
  /** Served without a token: what a page needs before it can ask for one. */
  readonly open?: boolean;
  handle(call: Call): PageReply | Promise<PageReply>;
}

export interface PageReply {
  readonly status: number;
  readonly body: string | Uint8Array;
  /** They win over ours; without a content-security-policy nothing may be loaded. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Where a WebSocket is accepted. */
export interface UpgradeRoute {
  /** Compared as it is. */
  readonly path: string;
  /** Whether the token may come as `?token=`, for clients that can send nothing else. */
  readonly tokenInQuery?: boolean;
  /** Why nobody else can be taken now; answered 503. */
  busy?(): string | undefined;
  /** The connection is its own from here on, its end included. */
  take(request: IncomingMessage, socket: Duplex, head: Buffer): void;
}

export interface Refusal {
  readonly path: string;
  readonly origin: string | undefined;
  readonly code: string;
  readonly detail: string;
}

/** Whether `path` is one that `pattern` stands for. */
export function isAt(pattern: string, path: string): boolean {
  const wanted = pattern.split("/");
  const given = path.split("/");
  return (
    wanted.length === given.length &&
    wanted.every((each, i) => (each.startsWith(":") ? given[i] !== "" : each === given[i]))
  );
}
