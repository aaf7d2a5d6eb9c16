import Table from "cli-table3";
import { round } from "./measure.ts";

/** One measured figure; `ratio` is to its baseline of the same round, and a target stands on one of the two. */
export interface Line {
  readonly name: string;
  readonly unit: string;
  readonly value: number;
  readonly ratio?: number;
  /** What the ratio is to, where that is not the bare figure. */
  readonly ratioTo?: string;
  /** The ratio in each round. */
  readonly ratios?: readonly number[];
  /** Targets of the ratio. */
  readonly atLeast?: number;
  readonly atMost?: number;
  /** Targets of the value. */
  readonly below?: number;
  readonly above?: number;
}

export interface Target {
  readonly name: string;
  readonly met: boolean;
  readonly text: string;
}

/** The figures that something is expected of, and whether they hold. */
export function targets(lines: readonly Line[]): Target[] {
  return lines.flatMap(({ name, value, ratio = 0, atLeast, atMost, below, above }): Target[] => {
    if (atLeast !== undefined) return [{ name, met: ratio >= atLeast, text: `>= ${atLeast} x` }];
    if (atMost !== undefined) return [{ name, met: ratio <= atMost, text: `<= ${atMost} x` }];
    if (above !== undefined) return [{ name, met: value > above, text: `> ${above}` }];
    return below === undefined ? [] : [{ name, met: value < below, text: `< ${below}` }];
  });
}

export interface Report {
  readonly at: string;
  readonly machine: { readonly cores: number; readonly cpu: string; readonly node: string };
  readonly server: { readonly version: string; readonly durability: string };
  readonly lines: readonly Line[];
}

export function printReport({ machine, server, lines }: Report): void {
  const table = new Table({
    head: ["figure", "value", "ratio to bare", "of each round", "target"],
    colAligns: ["left", "right", "right", "right", "left"],
    style: { head: [], border: [], compact: true },
  });
  const wanted = new Map(targets(lines).map((target) => [target.name, target]));
  for (const { name, unit, value, ratio, ratioTo = "", ratios = [] } of lines) {
    const target = wanted.get(name);
    const verdict = target === undefined ? "" : `${target.text} ${target.met ? "met" : "MISSED"}`;
    table.push([
      name,
      `${round(value, 3)} ${unit}`,
      ratio === undefined ? "" : `${round(ratio, 3)} x ${ratioTo}`.trimEnd(),
      ratios.map((each) => round(each, 2)).join("  "),
      verdict,
    ]);
  }
  process.stdout.write(
    `${machine.cores} x ${machine.cpu}, node ${machine.node}, nats-server ${server.version}\n`,
  );
  process.stdout.write(`durability ${server.durability}\n${table.toString()}\n`);
}
