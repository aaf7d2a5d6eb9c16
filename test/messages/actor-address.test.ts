import fc from "fast-check";
import { expect, test } from "vitest";
import {
  actorBucketKey,
  actorOfKey,
  actorTokens,
  isCutKey,
} from "../../src/messages/actor-address.ts";

test("an address is as many tokens as it has parts", () => {
  expect(actorTokens("worker/w-1")).toBe("worker.w-1");
  expect(actorBucketKey("o-1", "worker/w-1")).toBe("o-1.worker.w-1");
});

test("what a token cannot hold is written in hex, and read again", () => {
  expect(actorTokens("a.b *>é/")).toBe("a=2eb=20=2a=3e=c3=a9.=");
  expect(actorOfKey(actorBucketKey("n.1", "a.b *>é/"))).toEqual({
    node: "n.1",
    address: "a.b *>é/",
  });
});

test("any short address comes back as it was, and never says more than one token for a part", () => {
  const part = fc.string({ unit: "binary", maxLength: 10 }).filter((text) => !text.includes("/"));
  fc.assert(
    fc.property(part, fc.array(part, { minLength: 1, maxLength: 5 }), (node, parts) => {
      const address = parts.join("/");
      const key = actorBucketKey(node, address);
      expect(key).toMatch(/^[A-Za-z0-9_=-]+(\.[A-Za-z0-9_=-]+)*$/);
      expect(key.split(".")).toHaveLength(parts.length + 1);
      expect(actorOfKey(key)).toEqual({ node, address });
    }),
  );
});

test("one that is far too long is cut, and is still another one than those that begin alike", () => {
  const long = "x".repeat(100_000);
  expect(actorTokens(long).length).toBe(200);
  expect(actorTokens(`${long}y`)).not.toBe(actorTokens(long));
  const deep = "a/".repeat(1_000);
  expect(actorTokens(deep).split(".")).toHaveLength(12);
  expect(actorTokens(`${deep}b`)).not.toBe(actorTokens(deep));
  expect(isCutKey(actorBucketKey("n", long))).toBe(true);
  expect(isCutKey(actorBucketKey("n", "worker/=x"))).toBe(false);
});
