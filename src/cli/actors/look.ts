import type { Bus } from "../../bus/connect.ts";
import { BusInspectionSource } from "../../bus/inspection-source.ts";
import type { ActorTable } from "../../messages/actor-table.ts";
import { lookAtActors } from "../../processes/look-at-actors.ts";

const LOOK_MS = 10_000;

/** All actors as they are now. @throws WaitTimeoutError when the bucket cannot be read in 10 s. */
export function look(bus: Bus): Promise<ActorTable> {
  return lookAtActors(new BusInspectionSource(bus), LOOK_MS);
}
