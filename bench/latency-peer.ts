import { connectBus } from "../src/bus/connect.ts";

/** The other process of the latency baseline: says, over IPC, when each message has reached it. */
const [url = "", stream = "", consumerName = ""] = process.argv.slice(2);
const bus = await connectBus({ url, name: "batuta bench peer" });
const consumer = await bus.js.consumers.get(stream, consumerName);
await consumer.consume({
  max_messages: 10,
  callback: (message) => {
    const at = process.hrtime.bigint();
    message.ack();
    process.send?.(String(at));
  },
});
process.send?.(String(process.hrtime.bigint()));
process.once("SIGTERM", () => void bus.close().then(() => process.exit(0)));
