/** What a worker says that it holds. From the wire: any number, or none at all. */
export interface ReportedLoad {
  /** Tasks that hold a slot. */
  readonly active: number;
  /** Tasks that have run and whose results are being stored: these hold none. */
  readonly committing: number;
}

/** What is made of it. */
export interface BelievedLoad {
  /** Tasks of other orchestrators. */
  readonly foreign: number;
  readonly committing: number;
  /** False when it said more than it has slots for, or nothing that is a number. */
  readonly plausible: boolean;
}

/**
 * What a report adds to the `own` books of an orchestrator. It can only add: a worker that says it is
 * idle gets no more than its slots less what it was given, and one that exaggerates is full, not more.
 */
export function believeLoad(report: ReportedLoad, slots: number, own: number): BelievedLoad {
  const active = within(report.active, slots);
  const committing = within(report.committing, Number.MAX_SAFE_INTEGER);
  const plausible = active === report.active && committing === report.committing;
  return { foreign: Math.max(0, active + committing - own), committing, plausible };
}

function within(said: number, most: number): number {
  return Number.isFinite(said) ? Math.min(most, Math.max(0, said)) : 0;
}
