/** A lane is a priority: the last token of `flows.execute.<lane>`. Listed from the most to the least urgent. */
export const LANES = ["high", "normal", "low"] as const;

export type Lane = (typeof LANES)[number];

/** One value for each lane. */
export type PerLane<T> = Readonly<Record<Lane, T>>;

export function isLane(value: unknown): value is Lane {
  return typeof value === "string" && (LANES as readonly string[]).includes(value);
}

/** A value for each lane, made by `make`. */
export function perLane<T>(make: (lane: Lane) => T): Record<Lane, T> {
  return { high: make("high"), normal: make("normal"), low: make("low") };
}
