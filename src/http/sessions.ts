import { randomBytes } from "node:crypto";

const LIFETIME_MS = 12 * 3_600_000;
const MAX_SESSIONS = 1_000;
const COOKIE = "batuta_inspect";

/**
 * Who has shown the token and may watch without sending it again, for 12 hours. In memory: a restart
 * ends them all. At most 1,000; the oldest makes room.
 */
export class Sessions {
  readonly #endsAt = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Opens one; gives back the Set-Cookie header that carries it. */
  open(isSecure: boolean): string {
    const [oldest] = this.#endsAt.keys();
    if (this.#endsAt.size >= MAX_SESSIONS && oldest !== undefined) this.#endsAt.delete(oldest);
    const id = randomBytes(32).toString("base64url");
    this.#endsAt.set(id, this.#now() + LIFETIME_MS);
    const attributes = `HttpOnly; SameSite=Strict; Path=/inspect; Max-Age=${LIFETIME_MS / 1_000}`;
    return `${COOKIE}=${id}; ${attributes}${isSecure ? "; Secure" : ""}`;
  }

  /** Whether a Cookie header carries one that has not ended. The id is random: a lookup tells nothing. */
  holds(cookies: string | undefined): boolean {
    return idsIn(cookies).some((id) => {
      const endsAt = this.#endsAt.get(id);
      if (endsAt === undefined || this.#now() < endsAt) return endsAt !== undefined;
      this.#endsAt.delete(id);
      return false;
    });
  }
}

function idsIn(cookies: string | undefined): string[] {
  return (cookies ?? "")
    .split(";")
    .map((pair) => pair.trim().split("="))
    .filter(([name]) => name === COOKIE)
    .map(([, id]) => id ?? "");
}
