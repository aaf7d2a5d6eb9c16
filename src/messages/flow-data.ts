import { z } from "zod";
import { NODE_ID_PATTERN } from "../domain/ids.ts";

const nodeId = z.string().regex(new RegExp(NODE_ID_PATTERN));
const expression = z.string().min(1);
const milliseconds = z.number().min(1).max(2_147_483_647);

const retrySchema = z.object({
  maxAttempts: z.int().min(1).max(100).optional(),
  initialMs: z.number().min(0).max(86_400_000).optional(),
  factor: z.number().min(1).max(100).optional(),
  maxMs: z.number().min(0).max(86_400_000).optional(),
  jitter: z.enum(["full", "none"]).optional(),
  on: z.array(z.string()).optional(),
  notOn: z.array(z.string()).optional(),
});

const forEachSchema = z.object({
  items: z.string(),
  concurrency: z.int().min(1).optional(),
  onItemError: z.enum(["fail", "collect", "skip"]).optional(),
  maxItems: z.int().min(1).optional(),
});

export const flowNodeSchema = z.object({
  id: nodeId,
  type: z.string().min(1).max(128),
  typeVersion: z.int().min(1).optional(),
  config: z.record(z.string(), z.unknown()).optional(),
  credentials: z.record(z.string(), z.string()).optional(),
  when: expression.optional(),
  join: z.enum(["settled", "all", "any"]).optional(),
  retry: retrySchema.optional(),
  timeoutMs: milliseconds.optional(),
  onError: z.enum(["fail", "continue", "branch"]).optional(),
  forEach: forEachSchema.optional(),
  onUncertain: z.enum(["retry", "fail", "branch"]).optional(),
  disabled: z.boolean().optional(),
  label: z.string().optional(),
  position: z.unknown().optional(),
  meta: z.unknown().optional(),
});

/** `{node, port}`, or the shorthands `"a"` and `"a.true"`. */
const endpointSchema = z.union([
  z.string().regex(/^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64})?$/),
  z.object({ node: nodeId, port: z.string().min(1).max(64).optional() }),
]);

/** `{from, to}`, or what flow editors emit: `{source, target, sourceHandle, targetHandle}`. */
const flowConnectionSchema = z.union([
  z.object({ from: endpointSchema, to: endpointSchema, when: expression.optional() }),
  z.object({
    source: nodeId,
    target: nodeId,
    sourceHandle: z.string().min(1).max(64).nullish(),
    targetHandle: z.string().min(1).max(64).nullish(),
    when: expression.optional(),
  }),
]);

const flowSettingsSchema = z.object({
  timeoutMs: milliseconds.optional(),
  onError: z.enum(["fail", "continue"]).optional(),
  maxParallel: z.int().min(1).optional(),
  maxNodeRuns: z.int().min(1).optional(),
  maxOutputBytes: z.int().min(1).optional(),
});

/** What a publisher sends as `flowData` (contract B7). */
export const flowDataSchema = z.object({
  name: z.string().min(1).max(256),
  version: z.int().min(1),
  nodes: z.array(flowNodeSchema).min(1).max(5_000),
  connections: z.array(flowConnectionSchema).max(20_000).optional(),
  inputs: z.record(z.string(), z.unknown()).optional(),
  output: z.unknown().optional(),
  settings: flowSettingsSchema.optional(),
  meta: z.unknown().optional(),
});

export type FlowData = z.infer<typeof flowDataSchema>;
