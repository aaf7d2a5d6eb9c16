import type { AutoscalerContext } from "../../../actors/autoscaler-facts.ts";
import type { ProvisionerKind } from "../../domain/provisioning.ts";
import type { ScalingFacts, ScalingPolicy } from "../../domain/scaling-facts.ts";
import type { ScalingMemory, TimedDecision } from "../../domain/scaling-memory.ts";
import type { ScalingWish } from "../../domain/scaling-wish.ts";
import type { ActorSnapshot } from "../../kernel/actor.ts";
import type { ScalingView } from "../../messages/scaling.ts";

export interface ScalingParts {
  readonly facts: ScalingFacts;
  readonly policy: ScalingPolicy;
  readonly wish: ScalingWish;
  readonly provisioner: ProvisionerKind;
  readonly actor: ActorSnapshot<AutoscalerContext>;
  readonly memory: ScalingMemory;
}

/** How scaling stands, as people and KEDA are told it. */
export function scalingView(parts: ScalingParts): ScalingView {
  const { facts, policy, wish, provisioner, actor, memory } = parts;
  const { lanes, meanLoad, arrivalsPerS, meanServiceMs, unplaceable, starting } = facts;
  const count = facts.workers.filter(({ leaving }) => !leaving).length + starting;
  const { failures, lastError } = actor.context;
  return {
    desiredWorkers: memory.last?.decision.desired ?? Math.max(count, policy.minWorkers),
    actualWorkers: count,
    startingWorkers: starting,
    minWorkers: policy.minWorkers,
    maxWorkers: policy.maxWorkers,
    mode: facts.mode.type,
    wish: { reason: wish.reason, at: wish.at },
    provisioner,
    state: actor.state,
    trouble: actor.tags.has("failing") ? { failures, error: lastError ?? "" } : null,
    load: { lanes, meanLoad, arrivalsPerS, meanServiceMs, unplaceable },
    lastDecision: timed(memory.last),
    lastChange: timed(memory.lastChange),
  };
}

function timed(known: TimedDecision | undefined): ScalingView["lastDecision"] {
  return known ? { ...known.decision, at: new Date(known.at).toISOString() } : null;
}
