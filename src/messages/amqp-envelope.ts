import { LANES, type Lane } from "../domain/lane.ts";

/** A body of NestJS: `{pattern, data}` is an event, with an `id` it is a request that wants an answer. */
export interface NestEnvelope {
  /** As text; of an object its JSON with the keys in order. */
  readonly pattern: string;
  readonly data: unknown;
  readonly id: string | undefined;
}

/** Undefined for a body that is none. */
export function nestEnvelopeOf(body: unknown): NestEnvelope | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { pattern, data, id } = body as Readonly<Record<string, unknown>>;
  if (data === undefined || (typeof pattern !== "string" && !isObject(pattern))) return undefined;
  const text = typeof pattern === "string" ? pattern : inOrder(pattern);
  return { pattern: text, data, id: typeof id === "string" ? id : undefined };
}

/** What a pattern stands for; its lane where it names one. Undefined for one that nobody knows. */
export function flowPattern(pattern: string): { readonly lane: Lane | undefined } | undefined {
  if (pattern === "flow.execute" || pattern === '{"cmd":"execute"}') return { lane: undefined };
  const lane = LANES.find((each) => pattern === `flow.execute.${each}`);
  return lane === undefined ? undefined : { lane };
}

/** What NestJS takes as the answer to a request. */
export function nestAnswer(
  id: string,
  answer: { readonly response: unknown } | { readonly err: unknown },
): string {
  return JSON.stringify({ id, ...answer, isDisposed: true });
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function inOrder(pattern: object): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(pattern).sort(([a], [b]) => (a < b ? -1 : 1))),
  );
}
