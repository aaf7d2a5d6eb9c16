import type { FollowRequest, LiveMessage } from "../../src/messages/inspection-live.ts";
import type { Model } from "./model.ts";

const FIRST_WAIT_MS = 500;
const MOST_WAIT_MS = 10_000;

/** The connection to the orchestrator: made again, later and later, for as long as the page is open. */
export class Live {
  readonly #model: Model;
  #socket: WebSocket | undefined;
  #waitMs = FIRST_WAIT_MS;
  #timer = 0;
  #follow: FollowRequest = { type: "follow", keys: [], all: false };

  constructor(model: Model) {
    this.#model = model;
  }

  connect(): void {
    clearTimeout(this.#timer);
    const socket = new WebSocket(addressOf("/inspect/live"));
    this.#socket = socket;
    socket.onopen = () => {
      this.#waitMs = FIRST_WAIT_MS;
      this.#send();
    };
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = () => void this.#lost(socket);
  }

  /** Whose records are wanted. */
  follow(keys: readonly string[], all: boolean): void {
    const isSame = all === this.#follow.all && keys.join("\n") === this.#follow.keys.join("\n");
    if (isSame) return;
    this.#follow = { type: "follow", keys, all };
    this.#model.keepOnly(keys);
    this.#send();
  }

  #send(): void {
    const isOpen = this.#socket?.readyState === WebSocket.OPEN;
    if (isOpen) this.#socket?.send(JSON.stringify(this.#follow));
  }

  #heard(data: unknown): void {
    try {
      this.#model.take(JSON.parse(String(data)) as LiveMessage);
    } catch (error) {
      this.#model.take({
        type: "refused",
        reason: `a message could not be read: ${String(error)}`,
      });
    }
  }

  async #lost(socket: WebSocket): Promise<void> {
    if (socket !== this.#socket) return;
    const waitMs = this.#waitMs;
    this.#waitMs = Math.min(MOST_WAIT_MS, waitMs * 2);
    if (await needsLogin()) {
      this.#model.connected("login");
      return;
    }
    this.#model.connected("lost");
    this.#timer = window.setTimeout(() => this.connect(), waitMs);
  }
}

/** A browser does not tell why a WebSocket was refused. */
async function needsLogin(): Promise<boolean> {
  try {
    const { status } = await fetch("/inspect/session");
    return status === 401;
  } catch {
    return false;
  }
}

function addressOf(path: string): string {
  const url = new URL(path, location.href);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url.href;
}
