import fc from "fast-check";
import { expect, test } from "vitest";
import { NodeHeap } from "../../src/domain/flow-heap.ts";

test("nodes come out by rank, however they went in", () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.nat(200)), (nodes) => {
      const rank = Array.from({ length: 201 }, (_, node) => 200 - node);
      const heap = new NodeHeap(rank);
      for (const node of nodes) heap.push(node);
      const out = nodes.map(() => heap.pop());
      expect(out).toEqual([...nodes].sort((a, b) => b - a));
      expect(heap.pop()).toBeUndefined();
    }),
  );
});
