import { z } from "zod";
import { ID_PATTERN } from "../domain/ids.ts";
import { LANES } from "../domain/lane.ts";
import { defineMessage } from "./codec.ts";
import { flowDataSchema } from "./flow-data.ts";

const id = z.string().regex(new RegExp(ID_PATTERN));
const instant = z.iso.datetime({ offset: true });

/** What is published to `flows.execute.<lane>` and posted to `/orchestrator/execute` (contract B3). */
export const executeSchema = z.object({
  flowId: id,
  executionId: id.optional(),
  priority: z.enum(LANES).optional(),
  flowData: flowDataSchema,
  inputs: z.unknown().optional(),
  requestedBy: z.string().max(256).optional(),
  deadline: instant.optional(),
  maxAttempts: z.int().min(1).max(100).optional(),
  delayMs: z.number().min(0).optional(),
  runAt: instant.optional(),
  idempotent: z.boolean().optional(),
});

export type ExecuteMessage = z.infer<typeof executeSchema>;

export const executeMessage = defineMessage("flow execution", executeSchema);
