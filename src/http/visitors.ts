import { type Guard, guardFor, type Visitor } from "./guards.ts";
import { HttpError } from "./problem.ts";
import { Sessions } from "./sessions.ts";

/** Who watches: a visitor that may also show a session, or the token in the address. */
export interface Viewer extends Visitor {
  readonly cookie: string | undefined;
  readonly queryToken?: string | undefined;
}

/** Who may do what on this server. */
export class Visitors {
  readonly needToken: boolean;
  readonly sessions = new Sessions();
  /** Lets a request pass, or throws HttpError. */
  readonly check: Guard;

  constructor(token: string | undefined) {
    this.needToken = token !== undefined;
    this.check = guardFor(token);
  }

  /** As `check`, for what only reads. */
  checkViewer({ cookie, queryToken, ...visitor }: Viewer): void {
    if (this.needToken && this.sessions.holds(cookie)) return;
    const sent = queryToken === undefined ? visitor.authorization : `Bearer ${queryToken}`;
    this.check({ ...visitor, authorization: sent });
  }
}

/**
 * A browser opens WebSockets to anywhere for any page, and tells only by Origin for which. Programs
 * send none. Behind a proxy that speaks TLS our own pages come from https.
 *
 * @throws HttpError 403 when it is a page of somebody else's.
 */
export function refuseForeignOrigin(
  origin: string | undefined,
  host: string,
  allowed: readonly string[],
): void {
  if (origin === undefined || allowed.includes(origin)) return;
  if (origin === `http://${host}` || origin === `https://${host}`) return;
  const detail = `pages of ${origin} may not connect; BATUTA_INSPECT_ORIGINS names those that may`;
  throw new HttpError(detail, { code: "FOREIGN_ORIGIN" });
}
