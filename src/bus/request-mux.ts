import { createInbox, type Msg, type NatsConnection, type Subscription } from "nats";
import { UnreachableError, WaitTimeoutError } from "../domain/errors.ts";
import type { Outbox } from "./outbox.ts";

export interface MuxRequest {
  /** A block made by `headerBlock`. */
  readonly headers?: string;
  readonly timeoutMs: number;
}

type Waiter = (msg: Msg | undefined) => void;

interface Pending {
  readonly settle: Waiter;
  readonly expiresAt: number;
}

const SWEEP_MS = 100;

/**
 * Request and reply on one wildcard inbox, for the hot paths: the client's own request costs an
 * Error stack, a timer and a subscription each. Here a request is a map entry, and one timer sweeps
 * the expired ones (so a time-out may come up to 100 ms late). Two to four times the client's rate
 * (research/nats.md 5).
 */
export class RequestMux {
  readonly #nc: NatsConnection;
  readonly #outbox: Outbox;
  readonly #inbox: string;
  readonly #pending = new Map<string, Pending>();
  #subscription: Subscription | undefined;
  #sweeper: NodeJS.Timeout | undefined;
  #next = 0;

  constructor(nc: NatsConnection, outbox: Outbox) {
    this.#nc = nc;
    this.#outbox = outbox;
    this.#inbox = createInbox();
  }

  /** How many requests wait for a reply. */
  get outstanding(): number {
    return this.#pending.size;
  }

  /**
   * The first reply.
   *
   * @throws UnreachableError when nobody listens on the subject.
   * @throws WaitTimeoutError when nobody replied in time.
   */
  request(subject: string, data: Uint8Array | string, options: MuxRequest): Promise<Msg> {
    return new Promise((resolve, reject) => {
      this.send(subject, data, options, (msg) => {
        if (msg === undefined) {
          reject(new WaitTimeoutError(`no reply on ${subject} within ${options.timeoutMs} ms`));
        } else if (isNoResponders(msg)) {
          reject(new UnreachableError(`nobody listens on ${subject}`));
        } else {
          resolve(msg);
        }
      });
    });
  }

  /**
   * The same with a callback, without a promise; `undefined` means that the time is over.
   *
   * @throws InvalidInputError when it cannot be sent; `settle` is not called then.
   */
  send(subject: string, data: Uint8Array | string, options: MuxRequest, settle: Waiter): void {
    this.#listen();
    this.#next += 1;
    const token = this.#next.toString(36);
    this.#pending.set(token, { settle, expiresAt: Date.now() + options.timeoutMs });
    this.#sweepLater();
    try {
      this.#outbox.publish(subject, data, `${this.#inbox}.${token}`, options.headers);
    } catch (error) {
      this.#pending.delete(token);
      throw error;
    }
  }

  close(): void {
    clearTimeout(this.#sweeper);
    this.#subscription?.unsubscribe();
    for (const { settle } of this.#pending.values()) settle(undefined);
    this.#pending.clear();
  }

  #listen(): void {
    if (this.#subscription !== undefined || this.#nc.isClosed()) return;
    this.#subscription = this.#nc.subscribe(`${this.#inbox}.*`, {
      callback: (error, msg) => {
        if (error === null) this.#settle(msg);
      },
    });
  }

  /** Only while something is pending: an idle process is to sleep. */
  #sweepLater(): void {
    if (this.#sweeper !== undefined || this.#pending.size === 0) return;
    this.#sweeper = setTimeout(() => {
      this.#sweeper = undefined;
      this.#sweep(Date.now());
      this.#sweepLater();
    }, SWEEP_MS);
    this.#sweeper.unref();
  }

  #settle(msg: Msg): void {
    const token = msg.subject.slice(this.#inbox.length + 1);
    const pending = this.#pending.get(token);
    if (pending === undefined) return;
    this.#pending.delete(token);
    pending.settle(msg);
  }

  #sweep(now: number): void {
    for (const [token, pending] of this.#pending) {
      if (pending.expiresAt > now) continue;
      this.#pending.delete(token);
      pending.settle(undefined);
    }
  }
}

/** The server's own answer when a request's subject has no subscriber. */
export function isNoResponders(msg: Msg): boolean {
  if (msg.data.length > 0) return false;
  try {
    return msg.headers?.code === 503;
  } catch {
    // Headers that cannot be read are not the server's.
    return false;
  }
}
