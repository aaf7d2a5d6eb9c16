import { z } from "zod";
import type { FilterTexts } from "../domain/dead-letter-filter.ts";
import { ID_PATTERN } from "../domain/ids.ts";
import { defineMessage } from "./codec.ts";

const id = z.string().regex(new RegExp(ID_PATTERN));
const text = z.string().optional();

const filterSchema = z.object({
  lane: text,
  reason: text,
  flowId: text,
  executionId: text,
  since: text,
  until: text,
} satisfies Record<keyof Required<FilterTexts>, z.ZodType>);

/** What is posted to `/dead-letters/replay` and `/dead-letters/purge`: one of the first three, and `dryRun`. */
const deadLetterRequestSchema = z.object({
  executionIds: z.array(id).min(1).max(1_000).optional(),
  filter: filterSchema.optional(),
  all: z.literal(true).optional(),
  dryRun: z.boolean().optional(),
});

export const deadLetterRequest = defineMessage("dead letter request", deadLetterRequestSchema);
