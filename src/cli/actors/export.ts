import { writeFile } from "node:fs/promises";
import {
  amqpLinkMachine,
  autoscalerMachine,
  connectionMachine,
  executionMachine,
  leaseMachine,
  supervisorMachine,
  workerMachine,
} from "../../../actors/index.ts";
import type { Config } from "../../config/variables.ts";
import { InvalidInputError, NotFoundError } from "../../domain/errors.ts";
import { mermaidOf } from "../../domain/mermaid.ts";
import { nearestName } from "../../domain/nearest.ts";
import { definitionOfMachine } from "../../inspect/definition.ts";
import type { MachineDefinition } from "../../messages/inspection.ts";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { openPreparedBus } from "../inspect/open-bus.ts";
import type { Terminal } from "../terminal.ts";
import type { ExportOptions } from "./export-formats.ts";
import { look } from "./look.ts";

const OWN = [
  amqpLinkMachine,
  autoscalerMachine,
  connectionMachine,
  executionMachine,
  leaseMachine,
  supervisorMachine,
  workerMachine,
];

/**
 * `batuta actors export NAME`: a machine, by its own name or by the address of an actor that has it.
 * Those that ship are known without a bus.
 *
 * @throws NotFoundError that names the nearest.
 */
export async function exportMachine(
  config: Config,
  name: string,
  { format, out }: ExportOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const machine = ownMachine(name) ?? (await machineOnBus(config, name));
  const text = await written(machine, format);
  if (out === undefined) terminal.print(text.trimEnd());
  else {
    await writeFile(out, text).catch((cause: Error) => {
      throw new InvalidInputError(`${out} could not be written: ${cause.message}`, { cause });
    });
    terminal.say(`${machine.id} (${machine.hash}) is in ${out}`);
  }
  return EXIT.ok;
}

function ownMachine(name: string): MachineDefinition | undefined {
  const machine = OWN.find(({ id }) => id === name);
  return machine === undefined ? undefined : definitionOfMachine(machine);
}

async function machineOnBus(config: Config, name: string): Promise<MachineDefinition> {
  await using bus = await openPreparedBus(config);
  const table = await look(bus);
  const hash = table.actors().find(({ address }) => address === name)?.machine;
  const machines = table.machines();
  const found = machines.find(
    (each) => each.hash === hash || each.id === name || each.hash === name,
  );
  if (found !== undefined) return found;
  const names = [...machines.map(({ id }) => id), ...table.actors().map(({ address }) => address)];
  const nearest = nearestName(name, [...OWN.map(({ id }) => id), ...names]);
  const hint = nearest === undefined ? "" : `: the nearest is ${nearest}`;
  throw new NotFoundError(`there is no machine and no actor ${name}${hint}`);
}

async function written(
  machine: MachineDefinition,
  format: ExportOptions["format"],
): Promise<string> {
  switch (format) {
    case "json":
      return `${JSON.stringify(machine, null, 2)}\n`;
    case "stately":
      return `${JSON.stringify(machine.config, null, 2)}\n`;
    case "mermaid":
      return mermaidOf(machine.chart);
    case "svg": {
      const { drawChart } = await import("../../inspect/draw.ts");
      return `${await drawChart(machine.chart)}\n`;
    }
  }
}
