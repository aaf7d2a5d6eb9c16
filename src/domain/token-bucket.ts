/** So many at once, and so many per second in the long run. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** What is left of a burst, at `at` (milliseconds). */
export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** How long until the next token is there; 0 when it may be taken now. A bucket that is not there is full. */
export function waitForToken(bucket: Bucket | undefined, rate: Rate, now: number): number {
  const tokens = refilled(bucket, rate, now);
  return tokens >= 1 ? 0 : Math.ceil(((1 - tokens) / rate.perSecond) * 1_000);
}

/** The bucket after one token was taken: ask `waitForToken` first. */
export function withoutToken(bucket: Bucket | undefined, rate: Rate, now: number): Bucket {
  return { tokens: Math.max(0, refilled(bucket, rate, now) - 1), at: now };
}

/** As good as one that is not there. */
export function isFull(bucket: Bucket, rate: Rate, now: number): boolean {
  return refilled(bucket, rate, now) >= rate.burst;
}

/** A clock that was set back gives nothing and takes nothing. */
function refilled(bucket: Bucket | undefined, rate: Rate, now: number): number {
  if (bucket === undefined) return rate.burst;
  const gained = (Math.max(0, now - bucket.at) / 1_000) * rate.perSecond;
  return Math.min(rate.burst, bucket.tokens + gained);
}
