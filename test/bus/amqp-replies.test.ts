import { expect, onTestFinished, type TestContext, test } from "vitest";
import { AmqpReplies } from "../../src/bus/amqp-replies.ts";
import { connectBus } from "../../src/bus/connect.ts";
import { testPrefix, useNats } from "../support/nats.ts";

const nats = useNats();

async function open(task: TestContext["task"]): Promise<AmqpReplies> {
  const bus = await connectBus({ url: nats.url, prefix: testPrefix(task), name: "test" });
  const replies = await AmqpReplies.open(bus);
  onTestFinished(async () => {
    replies.close();
    await bus.close();
  });
  return replies;
}

/** What the bucket tells comes in order: once this is known, all before it is. */
async function hearAll(replies: AmqpReplies, of: AmqpReplies, marker: string): Promise<void> {
  await of.put(marker, { to: marker, correlationId: undefined });
  await expect.poll(() => replies.take(marker)).toBeDefined();
}

test("of those who would answer one gets to know who waits, whatever the bucket tells after that", async ({
  task,
}) => {
  const [one, other] = [await open(task), await open(task)];
  const reply = { to: "queue", correlationId: "c" };
  await one.put("e-1", reply);
  expect(one.take("e-1")).toEqual(reply);
  await hearAll(one, other, "first");
  expect(one.take("e-1")).toBeUndefined();
  await one.remove("e-1");
  await hearAll(other, one, "second");
  expect(other.take("e-1")).toBeUndefined();
});

test("who got no answer is known again, and who asks after another was answered waits", async ({
  task,
}) => {
  const [one, other] = [await open(task), await open(task)];
  const first = { to: "first", correlationId: undefined };
  await one.put("e-1", first);
  expect(one.take("e-1")).toMatchObject({ to: "first" });
  one.giveBack("e-1", first);
  expect(one.take("e-1")).toMatchObject({ to: "first" });
  await other.put("e-1", { to: "second", correlationId: undefined });
  await one.remove("e-1");
  await hearAll(one, other, "marker");
  expect(one.take("e-1")).toMatchObject({ to: "second" });
});
