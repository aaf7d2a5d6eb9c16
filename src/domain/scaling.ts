import { downRestMs, upRestMs } from "./scaling-cooldown.ts";
import {
  depthOf,
  type ScalingDecision,
  type ScalingFacts,
  type ScalingPolicy,
} from "./scaling-facts.ts";
import { emptiest, whyNobodyGoes } from "./scaling-retire.ts";
import { sizeByLoad, steadySize } from "./scaling-size.ts";

/**
 * How many workers there shall be, and why (contract B6). The seed's guards say whether, the load says how
 * many: up at once, down one step per cool-down and never below what the load asked for within the
 * stabilisation time. The count never leaves minWorkers..maxWorkers but for a person's own word.
 */
export function decideScale(facts: ScalingFacts, policy: ScalingPolicy): ScalingDecision {
  const view = viewOf(facts, policy);
  const { frozen, escalated, mode } = facts;
  if (frozen !== null) return hold(view, `frozen: ${frozen}`);
  if (mode.type === "paused") return hold(view, "paused by an operator");
  const wanted = mode.type === "fixed" ? fixed(view, mode.workers) : byLoad(view);
  return toward(view, escalated === null ? wanted : replacedOnly(view, wanted, escalated));
}

/**
 * Why scaling should be decided now and not at the next interval; undefined when nothing presses. Asked every
 * second, of the same facts.
 */
export function needsAnswerNow(facts: ScalingFacts, policy: ScalingPolicy): string | undefined {
  const view = viewOf(facts, policy);
  if (view.count < view.floor) return tooFew(view);
  return reasonsToGrow(view)[0];
}

/** The facts with what follows from them. */
interface View {
  readonly facts: ScalingFacts;
  readonly policy: ScalingPolicy;
  readonly count: number;
  readonly size: number | null;
  /** Fewer than these are too few: the least, and those that were decided unless they would be retired anyway. */
  readonly floor: number;
}

interface Wanted {
  readonly desired: number;
  readonly reasons: readonly string[];
  /** What was decided is given up, though nobody is there to be retired. */
  readonly letsGo?: true;
}

function viewOf(facts: ScalingFacts, policy: ScalingPolicy): View {
  const { workers, starting, advisory, target } = facts;
  const there = workers.filter(({ leaving }) => !leaving).length + starting;
  // Where others act, what they were told counts, and not how far they have come with it.
  const count = advisory ? (target ?? there) : there;
  const size = sizeByLoad(facts, policy);
  return { facts, policy, count, size, floor: floorOf(facts, size, policy) };
}

function floorOf(facts: ScalingFacts, size: number | null, policy: ScalingPolicy): number {
  const { mode, target } = facts;
  const { minWorkers, maxWorkers } = policy;
  if (mode.type === "paused") return 0;
  // It was allowed when it was set; the limits may have changed since.
  if (mode.type === "fixed") return Math.min(maxWorkers, mode.workers);
  const decided = target ?? minWorkers;
  const held = isIdle(facts, policy) ? Math.min(decided, steadySize(facts, size, policy)) : decided;
  return Math.min(maxWorkers, Math.max(minWorkers, held));
}

/** Whether workers would be retired now, if there were any to spare. Without a slot nothing is at work. */
function isIdle(facts: ScalingFacts, policy: ScalingPolicy): boolean {
  const isLow = (facts.meanLoad ?? 0) < policy.downLoad && depthOf(facts) < policy.lowWatermark;
  return isLow && downRestMs(facts, policy) <= 0;
}

/** Those that died are replaced all the same; it is growing beyond them that mends nothing. */
function replacedOnly(view: View, wanted: Wanted, escalated: string): Wanted {
  const most = Math.max(view.count, view.floor);
  if (wanted.desired <= most) return wanted;
  const reasons = [`no worker is added: ${escalated}`];
  return { desired: most, reasons: view.count < view.floor ? [tooFew(view), ...reasons] : reasons };
}

function fixed({ count, floor }: View, workers: number): Wanted {
  const most = floor < workers ? `, at most ${floor} are allowed` : "";
  const reasons = [`an operator set ${workers} workers${most}, there are ${count}`];
  return { desired: floor, reasons };
}

function byLoad(view: View): Wanted {
  const { count, floor, policy } = view;
  const { maxWorkers } = policy;
  if (count > maxWorkers)
    return { desired: maxWorkers, reasons: [`${count} workers, at most ${maxWorkers}`] };
  const reasons = reasonsToGrow(view);
  const wanted = reasons.length > 0 ? grown(view, reasons) : shrunk(view);
  if (count >= floor || wanted.desired >= floor) return wanted;
  return { desired: floor, reasons: [tooFew(view), ...reasons] };
}

function tooFew({ count, floor, policy }: View): string {
  return floor === policy.minWorkers
    ? `${count} workers, at least ${floor}`
    : `${count} of the ${floor} workers that were decided are there`;
}

/** The seed's guards (seed.md, "Triggers de Escalado"), and tasks that nobody can run. */
function reasonsToGrow({ facts, policy }: View): string[] {
  const depth = depthOf(facts);
  const { meanLoad, load, unplaceable, workers } = facts;
  // The mean alone would go on for seconds after the work is done.
  const lasting = meanLoad === null || load === null ? null : Math.min(meanLoad, load);
  const live = workers.filter((worker) => worker.available && !worker.leaving);
  const available = live.length;
  // Where the provisioner's own workers cannot run them, one more like these could not either.
  const mayHelp = unplaceable > 0 && !live.some(({ managed }) => managed);
  return [
    depth > policy.highWatermark ? `${depth} waiting, more than ${policy.highWatermark}` : "",
    lasting !== null && lasting > policy.upLoad
      ? `load ${percent(lasting)}, above ${percent(policy.upLoad)}`
      : "",
    depth > 0 && available === 0 ? `${depth} waiting and no worker is available` : "",
    mayHelp ? `${unplaceable} tasks that no live worker can run` : "",
  ].filter((reason) => reason !== "");
}

function grown({ facts, policy, count, size }: View, reasons: readonly string[]): Wanted {
  const { starting } = facts;
  const steady = (why: string) => ({ desired: count, reasons: [...reasons, why] });
  if (count === policy.maxWorkers) return steady(`already at the most, ${policy.maxWorkers}`);
  const restMs = upRestMs(facts, policy);
  if (restMs > 0) return steady(`cooling down for ${seconds(restMs)} after the last scale-up`);
  // The step answers a guard that the load does not explain; it is not repeated before it could help.
  const step = starting > 0 ? 0 : policy.upStep;
  const desired = Math.min(policy.maxWorkers, Math.max(size ?? 0, count + step));
  if (desired === count) return steady(`${starting} are starting`);
  const by = size !== null && size >= desired ? `the load asks for ${size}` : `one step of ${step}`;
  return { desired, reasons: [...reasons, by] };
}

/** Fewer, where load and lanes allow it, or the reason why not. */
function shrunk(view: View): Wanted {
  const { facts, policy, count, size } = view;
  const decided = Math.min(policy.maxWorkers, facts.target ?? 0);
  if (count < decided && isIdle(facts, policy)) {
    const reason = `${count} of the ${decided} workers that were decided are there, and the load asks for no more`;
    return { desired: count, reasons: [reason], letsGo: true };
  }
  const obstacle = obstacleToShrink(view);
  if (obstacle !== undefined) return { desired: count, reasons: [obstacle] };
  const steady = Math.max(policy.minWorkers, steadySize(facts, size, policy));
  if (steady >= count)
    return { desired: count, reasons: [`the load asked for ${steady} lately, there are ${count}`] };
  const desired = Math.max(steady, count - policy.downStep);
  const load = `mean load ${percent(facts.meanLoad ?? 0)}, below ${percent(policy.downLoad)}`;
  return { desired, reasons: [load, `the load asked for ${steady} at most lately`] };
}

function obstacleToShrink({ facts, policy, count }: View): string | undefined {
  const { meanLoad, starting } = facts;
  const depth = depthOf(facts);
  if (count === policy.minWorkers) return `at the fewest, ${count}, and nothing asks for more`;
  if (starting > 0) return `${starting} are starting`;
  if (meanLoad === null || !(meanLoad < policy.downLoad))
    return `mean load ${meanLoad === null ? "unknown" : percent(meanLoad)}: neither high nor low`;
  if (depth >= policy.lowWatermark)
    return `${depth} waiting, not below ${policy.lowWatermark}: nobody is retired`;
  const restMs = downRestMs(facts, policy);
  return restMs > 0 ? `cooling down for ${seconds(restMs)} after the last scaling` : undefined;
}

function toward(view: View, { desired, reasons, letsGo }: Wanted): ScalingDecision {
  const { count, facts } = view;
  if (desired === count) return { ...hold(view, ...reasons), action: letsGo ? "down" : "hold" };
  const start = Math.max(0, desired - count);
  if (start > 0) return { ...hold(view, ...reasons), action: "up", desired, start };
  if (facts.advisory) return { ...hold(view, ...reasons), action: "down", desired };
  // Those that are starting are not drained but retired once they have come: until then they run nothing.
  const spare = facts.workers.filter(({ leaving }) => !leaving).length - desired;
  const drain = emptiest(facts.workers, Math.max(0, spare));
  if (drain.length === 0) return hold(view, ...reasons, whyNobodyGoes(facts, spare));
  const left = count - drain.length;
  return { ...hold(view, ...reasons), action: "down", desired: left, drain };
}

function hold({ count, size }: View, ...reasons: readonly string[]): ScalingDecision {
  return { action: "hold", desired: count, count, size, start: 0, drain: [], reasons };
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 100) / 10} s`;
}
