import { amqpLinkMachine } from "./amqp-link.ts";
import { type EffectFaults, perform } from "./effects.ts";

/** What the host does for a link. Called within a transition: quick, and never throwing; what comes of it is an event. */
export interface AmqpLinkEffects extends EffectFaults {
  /** Answered by `connected` or `failed`. */
  connect(): void;
  /** Answered by `declared` or `failed`. */
  declare(): void;
  /** It runs: what waits may go on. */
  work(): void;
  /** Take nothing more; answered by `drained` once all that came is settled. */
  stopTaking(): void;
  /** Close what there is; what was not settled comes again. */
  disconnect(): void;
}

/** The machine of one link with its effects. */
export function amqpLinkWith(effects: AmqpLinkEffects) {
  const run = (name: "connect" | "declare" | "work" | "stopTaking" | "disconnect") => () =>
    perform(effects, name, () => effects[name]());
  return amqpLinkMachine.provide({
    actions: {
      connect: run("connect"),
      declare: run("declare"),
      work: run("work"),
      stopTaking: run("stopTaking"),
      disconnect: run("disconnect"),
    },
  });
}
