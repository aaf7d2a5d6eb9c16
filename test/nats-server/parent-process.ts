// A process of its own that runs a nats-server and can be killed: `node --import tsx <this file>
// <binary> <version> <storeDir>`. Prints {pid, url} of its server as one line of JSON.
import { startNatsServer } from "../../src/nats-server/start.ts";

const [path = "", version = "", storeDir = ""] = process.argv.slice(2);
const { pid, url } = await startNatsServer({ server: { kind: "binary", path, version }, storeDir });
process.stdout.write(`${JSON.stringify({ pid, url })}\n`);
