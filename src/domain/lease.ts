/** The lease expires on the server with its bucket's TTL of 10 s. */
export const LEASE_MS = 9_500;

/** What is known of a lease that was given. Times in epoch milliseconds, by one's own clock. */
export interface Lease {
  /**
   * When the renewal was asked for that was granted last. The server counts from no sooner: an answer
   * that was long under way makes nothing longer.
   */
  readonly askedAt: number;
  /** Since when others may have taken it, though it would last longer by the clock here. */
  readonly suspendedAt: number;
}

/** An unanswered renewal must not keep two leaders: the lease is over when the server says so. */
export function isLeaseHeld({ askedAt, suspendedAt }: Lease, now: number): boolean {
  return askedAt >= suspendedAt && now - askedAt < LEASE_MS;
}
