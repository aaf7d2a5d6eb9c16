import { connect } from "../src/index.ts"; // in a project of yours: from "batuta"

const greet = { id: "greet", type: "set", config: { value: "Hello {{ inputs.name }}" } };
await using client = await connect();
const output = await client.run({ name: "hello", version: 1, nodes: [greet] }, { name: "Ada" });
console.log(output);
