import { expect, test } from "vitest";
import { isLeaseHeld, LEASE_MS } from "../../src/domain/lease.ts";

test("a lease counts from when it was asked for, and is over before the server forgets it", () => {
  const lease = { askedAt: 1_000, suspendedAt: 0 };
  expect(isLeaseHeld(lease, 1_000 + LEASE_MS - 1)).toBe(true);
  expect(isLeaseHeld(lease, 1_000 + LEASE_MS)).toBe(false);
  expect(LEASE_MS).toBeLessThan(10_000);
});

test("a lease that others may have taken counts again once it was renewed for a later request", () => {
  const suspendedAt = 5_000;
  expect(isLeaseHeld({ askedAt: 4_999, suspendedAt }, 5_001)).toBe(false);
  expect(isLeaseHeld({ askedAt: 5_001, suspendedAt }, 5_002)).toBe(true);
});
