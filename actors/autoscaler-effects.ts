import type { ScalingDecision } from "../src/domain/scaling-facts.ts";
import { autoscalerMachine } from "./autoscaler.ts";
import { type AutoscalerContext, backoffMs } from "./autoscaler-facts.ts";
import { type EffectFaults, perform } from "./effects.ts";

/** What is tried no more for a while, and why. */
export interface ScalingTrouble {
  readonly failures: number;
  readonly error: string;
  readonly retryInMs: number;
}

/** What the host does for the autoscaler actor. Called within a transition: quick, never throwing. */
export interface AutoscalerEffects extends EffectFaults {
  /** Gather the facts and weigh them; then send `decided` or `undecided`. */
  decide(): void;
  /** Have the decided number started; then send `started` or `startFailed`. */
  start(decision: ScalingDecision): void;
  /** Have those that were named drained and ended; then send `retired` or `retireFailed`. */
  retire(decision: ScalingDecision): void;
  tellFailing(trouble: ScalingTrouble): void;
}

/** The autoscaler machine with its effects. */
export function autoscalerWith(effects: AutoscalerEffects) {
  const run = (effect: keyof AutoscalerEffects, call: () => void) => perform(effects, effect, call);
  const withDecision = ({ decision }: AutoscalerContext, act: (each: ScalingDecision) => void) => {
    if (decision !== undefined) act(decision);
  };
  return autoscalerMachine.provide({
    actions: {
      decide: () => run("decide", () => effects.decide()),
      start: ({ context }) => run("start", () => withDecision(context, (it) => effects.start(it))),
      retire: ({ context }) =>
        run("retire", () => withDecision(context, (it) => effects.retire(it))),
      tellFailing: ({ context }) =>
        run("tellFailing", () => effects.tellFailing(troubleOf(context))),
    },
  });
}

function troubleOf(context: AutoscalerContext): ScalingTrouble {
  const { failures, lastError = "no error was told" } = context;
  return { failures, error: lastError, retryInMs: backoffMs(context) };
}
