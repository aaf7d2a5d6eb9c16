// The NATS protocol by hand, with nothing but a socket: publishes a flow and prints its result.
// Any language can do this. `node examples/04-raw-protocol.mjs`, beside `npx batuta dev`.
import { connect } from "node:net";

const { hostname, port } = new URL(process.env.BATUTA_NATS_URL ?? "nats://127.0.0.1:4222");
const executionId = `raw-${Date.now()}`;
const body = JSON.stringify({
  flowId: "raw",
  executionId,
  flowData: {
    name: "raw",
    version: 1,
    nodes: [{ id: "sum", type: "set", config: { value: "{{ inputs.a + inputs.b }}" } }],
  },
  inputs: { a: 20, b: 22 },
});
const head = `NATS/1.0\r\nNats-Msg-Id: ${executionId}\r\n\r\n`;
const sizes = `${head.length} ${head.length + Buffer.byteLength(body)}`;

const socket = connect(Number(port || 4222), hostname);
socket.write('CONNECT {"verbose":false,"headers":true}\r\n');
socket.write(`SUB flows.result.${executionId} 1\r\n`);
socket.write(`HPUB flows.execute.normal ${sizes}\r\n${head}${body}\r\n`);

let received = Buffer.alloc(0);
socket.on("data", (chunk) => {
  received = Buffer.concat([received, chunk]);
  for (let end = received.indexOf("\r\n"); end >= 0; end = received.indexOf("\r\n")) {
    const words = received.subarray(0, end).toString().split(" ");
    if (words[0] === "PING") socket.write("PONG\r\n");
    if (words[0] === "-ERR") console.error(words.join(" "));
    // MSG <subject> <sid> <bytes>, or HMSG <subject> <sid> <header bytes> <bytes in all>
    const isMessage = words[0] === "MSG" || words[0] === "HMSG";
    const size = isMessage ? Number(words.at(-1)) + 2 : 0;
    if (received.length < end + 2 + size) return;
    const headerSize = words[0] === "HMSG" ? Number(words.at(-2)) : 0;
    const payload = received.subarray(end + 2 + headerSize, end + size).toString();
    received = received.subarray(end + 2 + size);
    if (isMessage) {
      const { status, output, workerId } = JSON.parse(payload);
      console.log(`${executionId} ${status} on ${workerId}: ${output}`);
      socket.end();
    }
  }
});
