import { createHash, timingSafeEqual } from "node:crypto";
import { isIPv4 } from "node:net";
import { HttpError } from "./problem.ts";

/** What a guard looks at. */
export interface Visitor {
  readonly method: string;
  /** The Host header, with or without a port. */
  readonly host: string;
  readonly origin: string | undefined;
  readonly authorization: string | undefined;
}

/** Lets a request pass, or throws HttpError. */
export type Guard = (visitor: Visitor) => void;

/** With a token: who does not send it is refused. Without: who is not local is refused. */
export function guardFor(token: string | undefined): Guard {
  return token === undefined ? refuseStrangers : requireToken(token);
}

function requireToken(token: string): Guard {
  const wanted = digest(token);
  return ({ authorization }) => {
    const [, given = ""] = /^Bearer +(\S+) *$/i.exec(authorization ?? "") ?? [];
    if (timingSafeEqual(digest(given), wanted)) return;
    const detail = "send the value of BATUTA_HTTP_TOKEN as `Authorization: Bearer <token>`";
    throw new HttpError(detail, {
      code: "UNAUTHORIZED",
      headers: { "www-authenticate": 'Bearer realm="batuta"' },
    });
  };
}

/** Of equal length whatever the text, so that comparing takes the same time for all. */
function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/**
 * A web page that the user has open can reach loopback too. It gives itself away by a Host that is
 * not loopback (DNS rebinding), or, where it would change something, by the Origin of another site.
 */
function refuseStrangers({ method, host, origin }: Visitor): void {
  if (!isLoopbackHost(hostnameOf(host))) {
    throw forbidden(`the host ${host} is not local; set BATUTA_HTTP_TOKEN to serve others`);
  }
  const changes = method !== "GET" && method !== "HEAD";
  if (changes && origin !== undefined && origin !== `http://${host}`) {
    throw forbidden(`pages of ${origin} may not send requests here without a token`);
  }
}

function forbidden(detail: string): HttpError {
  return new HttpError(detail, { code: "FORBIDDEN" });
}

/** "[::1]:3000" as "::1", "localhost:3000" as "localhost". */
function hostnameOf(host: string): string {
  const [, bracketed] = /^\[([^\]]*)\](?::\d*)?$/.exec(host) ?? [];
  return bracketed ?? host.replace(/:\d*$/, "");
}

/** Whether only this machine can reach a server that listens on `host`. */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase();
  if (name === "localhost" || name === "::1") return true;
  return isIPv4(name.replace(/^::ffff:/, "")) && name.replace(/^::ffff:/, "").startsWith("127.");
}
