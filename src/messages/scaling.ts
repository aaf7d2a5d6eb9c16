import { z } from "zod";
import type { Problem } from "../domain/errors.ts";
import type { ProvisionerKind } from "../domain/provisioning.ts";
import type { LaneLoad, ScalingDecision } from "../domain/scaling-facts.ts";
import { defineMessage } from "./codec.ts";

const workers = z.int().min(0).max(10_000);

/**
 * What a person wants of scaling: the body of `PUT /scaling` and of a request on `supervisor.scaling`. What is
 * left out stays as it is; `workers` alone means `mode: "fixed"`, and null takes a limit back to its setting.
 */
const scalingRequestSchema = z.object({
  mode: z.enum(["auto", "paused", "fixed"]).optional(),
  workers: workers.optional(),
  minWorkers: workers.nullable().optional(),
  maxWorkers: workers.nullable().optional(),
  reason: z.string().max(200).optional(),
});
export type ScalingRequest = z.infer<typeof scalingRequestSchema>;
export const scalingRequest = defineMessage("scaling request", scalingRequestSchema);

/** How scaling stands: `GET /scaling` and `batuta scale`. */
export interface ScalingView {
  /** How many workers there shall be: what KEDA is to read. */
  readonly desiredWorkers: number;
  /** How many there are or are starting, those that leave not counted. */
  readonly actualWorkers: number;
  readonly startingWorkers: number;
  readonly minWorkers: number;
  readonly maxWorkers: number;
  readonly mode: "auto" | "paused" | "fixed";
  /** Why, and since when, a person wants it so. */
  readonly wish: { readonly reason: string; readonly at: string | null };
  readonly provisioner: ProvisionerKind;
  /** Of the autoscaler: idle, deciding, scalingUp, scalingDown, failing, suspended. */
  readonly state: string;
  /** What the provisioner could not do last; null while all is well. */
  readonly trouble: { readonly failures: number; readonly error: string } | null;
  readonly load: {
    readonly lanes: readonly LaneLoad[];
    readonly meanLoad: number | null;
    readonly arrivalsPerS: number;
    readonly meanServiceMs: number | null;
    readonly unplaceable: number;
  };
  readonly lastDecision: (ScalingDecision & { readonly at: string }) | null;
  /** The last one that changed something. */
  readonly lastChange: (ScalingDecision & { readonly at: string }) | null;
}

/** The answer on `supervisor.scaling`. */
export type ScalingAnswer =
  | { readonly ok: true; readonly scaling: ScalingView }
  | {
      readonly ok: false;
      readonly code: "INVALID" | "UNREACHABLE";
      readonly error: string;
      readonly problems: readonly Problem[];
    };
