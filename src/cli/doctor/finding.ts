/** One thing that was looked at. */
export interface Finding {
  readonly check: string;
  readonly verdict: "ok" | "warn" | "fail";
  readonly detail: string;
  /** What to do about it. */
  readonly next?: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, verdict: "ok", detail });

export const warn = (check: string, detail: string, next: string): Finding => ({
  check,
  verdict: "warn",
  detail,
  next,
});

/** Without `next` where the detail says it already. */
export const fail = (check: string, detail: string, next?: string): Finding => ({
  check,
  verdict: "fail",
  detail,
  ...(next === undefined ? {} : { next }),
});
