import type { ScalingFacts, WorkerLoad } from "./scaling-facts.ts";

/** Why none of them can be retired; `spare` are more than there shall be, those that are starting left out. */
export function whyNobodyGoes({ starting }: ScalingFacts, spare: number): string {
  return spare > 0
    ? "none of the workers can be retired by the provisioner"
    : `${starting} are starting, and retired once they have come`;
}

/** The emptiest of those that can be stopped; of equals one that takes nothing, and the last by id. */
export function emptiest(workers: readonly WorkerLoad[], howMany: number): readonly string[] {
  return workers
    .filter(({ managed, leaving }) => managed && !leaving)
    .sort(
      (a, b) =>
        a.inFlight - b.inFlight ||
        Number(a.available) - Number(b.available) ||
        compareIds(b.workerId, a.workerId),
    )
    .slice(0, howMany)
    .map(({ workerId }) => workerId);
}

function compareIds(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
