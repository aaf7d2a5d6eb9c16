import { type EffectFaults, perform } from "./effects.ts";
import { supervisorMachine } from "./supervisor.ts";
import { DOUBT, type SupervisorContext } from "./supervisor-facts.ts";

export interface Freeze {
  readonly reason: string;
  /** Longer than the next look: the freeze is renewed for as long as the doubt lasts. */
  readonly forMs: number;
}

/** What the host does for the supervisor actor. Called within a transition: quick, never throwing. */
export interface SupervisorEffects extends EffectFaults {
  /** Ensure the topology, read the registry, start the worker actors; then send `ready`. */
  recover(): void;
  /** The bus is back: ensure the topology again, ask for what was missed. */
  resync(): void;
  openDispatch(): void;
  closeDispatch(): void;
  /** Begin, and end, what only the leader does: scaling, announcements, timers, janitor. */
  lead(): void;
  follow(): void;
  /** Send `freeze` to every worker actor, and hold scaling. Renewed while the doubt lasts. */
  freezeVerdicts(freeze: Freeze): void;
  thawVerdicts(): void;
  /** Let what is under way settle; then send `drained`. */
  settle(reason: string): void;
  /** The end: give back the lease, flush, close. */
  release(): void;
}

/** The supervisor machine with its effects. */
export function supervisorWith(effects: SupervisorEffects) {
  const run = (effect: keyof SupervisorEffects, call: () => void) => perform(effects, effect, call);
  return supervisorMachine.provide({
    actions: {
      recover: () => run("recover", () => effects.recover()),
      resync: () => run("resync", () => effects.resync()),
      openDispatch: () => run("openDispatch", () => effects.openDispatch()),
      closeDispatch: () => run("closeDispatch", () => effects.closeDispatch()),
      lead: () => run("lead", () => effects.lead()),
      follow: () => run("follow", () => effects.follow()),
      freezeVerdicts: ({ context }) =>
        run("freezeVerdicts", () => effects.freezeVerdicts(freezeOf(context))),
      thawVerdicts: () => run("thawVerdicts", () => effects.thawVerdicts()),
      settle: ({ context }) => run("settle", () => effects.settle(context.stopReason)),
      release: () => run("release", () => effects.release()),
    },
  });
}

function freezeOf(context: SupervisorContext): Freeze {
  return { reason: context.doubtReason, forMs: 2 * DOUBT.forMs };
}
