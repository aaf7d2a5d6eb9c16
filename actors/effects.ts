/** What every host of a machine supplies beside its effects. */
export interface EffectFaults {
  /**
   * An effect threw. The actor lives on: trouble with the bus is not trouble with the actor, and
   * a thousand workers must not be restarted because one connection closed.
   */
  effectFailed(effect: string, error: unknown): void;
}

/** Runs one effect; what it throws is reported and goes no further. */
export function perform(faults: EffectFaults, effect: string, run: () => void): void {
  try {
    run();
  } catch (error) {
    faults.effectFailed(effect, error);
  }
}
