import { decideScale } from "../../domain/scaling.ts";
import type { ScalingDecision } from "../../domain/scaling-facts.ts";
import { decideAsSeed } from "../../domain/simulation/seed-rule.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { type Format, printListing } from "../output.ts";
import type { Terminal } from "../terminal.ts";
import type { WishedPolicy } from "./policy.ts";
import type { RecordedScaling } from "./recording.ts";

interface Replayed {
  readonly at: string;
  readonly recorded: ScalingDecision;
  readonly again: ScalingDecision;
  readonly same: boolean;
}

/**
 * Puts recorded inputs through the same function once more. Under the recorded policy each decision has to come
 * out the same, bit for bit (exit code 1 when one does not); under another one it tells what would have been.
 */
export async function replay(
  decisions: readonly RecordedScaling[],
  wished: WishedPolicy,
  { output }: { readonly output: Format },
  terminal: Terminal,
): Promise<ExitCode> {
  const isOther = wished.changed || wished.name === "seed";
  const decide = wished.name === "seed" ? decideAsSeed : decideScale;
  const replays = decisions.map(({ at, inputs, choice }): Replayed => {
    const again = decide(inputs.facts, isOther ? wished.policy : inputs.policy);
    return { at, recorded: choice, again, same: JSON.stringify(again) === JSON.stringify(choice) };
  });
  const different = replays.filter(({ same }) => !same);
  await printListing(terminal, output, {
    records: different,
    columns: ["TIME", "RECORDED", isOther ? "WOULD BE" : "NOW", "REASONS"],
    cells: ({ at, recorded, again }) => [
      at.slice(11, 19),
      moveText(recorded),
      moveText(again),
      again.reasons.join("; "),
    ],
  });
  const same = replays.length - different.length;
  terminal.say(`${same} of ${replays.length} decisions are the same, bit for bit`);
  return isOther || different.length === 0 ? EXIT.ok : EXIT.failed;
}

function moveText({ action, count, desired }: ScalingDecision): string {
  return action === "hold" ? `hold at ${count}` : `${action} from ${count} to ${desired}`;
}
