import { connect } from "amqplib";

/** What there is to beat: the same client, from one queue to another, nothing lost and nothing read. */
const PREFETCH = 200;

const [from = "", to = ""] = process.argv.slice(2);
const model = await connect(String(process.env.BATUTA_AMQP_URL));
const source = await model.createChannel();
const target = await model.createConfirmChannel();
await source.prefetch(PREFETCH);
await source.consume(from, (message) => {
  if (message === null) return;
  const options = { persistent: true, contentType: "application/json", messageId: "m" };
  target.publish("", to, message.content, options, (error) => {
    if (!error) source.ack(message);
  });
});
process.stdout.write("moving\n");
process.once("SIGTERM", () => void model.close().then(() => process.exit(0)));
