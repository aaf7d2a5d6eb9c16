import { compileFlow } from "../../engine/compile-flow.ts";
import { coreNodeTypes } from "../../engine/node-types.ts";
import { type Composed, invalidFlow } from "./compose-message.ts";

/**
 * Checks a flow as an orchestrator would, before anything is published. Returns what to warn of. A
 * type that does not ship with Batuta is but a warning: some worker may have it.
 *
 * @throws InvalidInputError with every problem, pointing into the file.
 */
export function checkFlow({ message, inFile }: Composed): readonly string[] {
  const compiled = compileFlow(message.flowData, coreNodeTypes, { unknownTypes: "keep" });
  if (!compiled.ok) {
    const inMessage = compiled.problems.map((problem) => ({
      ...problem,
      pointer: `/flowData${problem.pointer}`,
    }));
    throw invalidFlow(inFile(inMessage));
  }
  const { warnings, unknownTypes } = compiled.plan;
  return [
    ...warnings.map(({ pointer, detail }) => `${pointer} ${detail}`.trim()),
    ...unknownTypes.map(
      (type) => `no node type "${type}" ships with Batuta: it waits for a worker that has it`,
    ),
  ];
}
