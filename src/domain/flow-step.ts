import type { ErrorInfo } from "./errors.ts";
import { nextAttempt } from "./flow-retry.ts";
import { giveUp, settle, succeed } from "./flow-settle.ts";
import type { FlowCommand, FlowEvent, FlowRules, FlowState } from "./flow-state.ts";
import { endIfDone, fail, stop, type Turn } from "./flow-stop.ts";

/**
 * What has to be done after an event: the whole meaning of a flow is here and in flow-settle.ts.
 *
 * Writes `state` in place. The same events in the same order give the same state and the same
 * commands; no clock, chance or I/O is read. An event that cannot be true any more (of an attempt
 * that is not running, or after the end) changes nothing. Order of completion never changes what a
 * node receives, except through `join: any`.
 */
export function step(state: FlowState, event: FlowEvent, rules: FlowRules): FlowCommand[] {
  if (state.phase === "ended") return [];
  const turn: Turn = { state, rules, commands: [], decide: [] };
  apply(turn, event);
  settle(turn);
  startReady(turn);
  endIfDone(turn);
  return turn.commands;
}

function apply(turn: Turn, event: FlowEvent): void {
  switch (event.type) {
    case "start":
      begin(turn);
      break;
    case "completed":
      complete(turn, event);
      break;
    case "failed":
      retryOrGiveUp(turn, event);
      break;
    case "due":
      requeue(turn, event.node);
      break;
    case "abort":
      fail(turn, event.error);
      break;
    case "cancel":
      stop(turn, "cancelling", undefined, event.reason);
      break;
    case "pause":
    case "resume":
      turn.state.paused = event.type === "pause";
      break;
  }
}

function begin({ state, decide }: Turn): void {
  if (state.phase !== "new") return;
  state.phase = "running";
  state.unsettled.forEach((count, node) => {
    if (count === 0) decide.push(node);
  });
}

function complete(turn: Turn, event: FlowEvent & { type: "completed" }): void {
  if (!isRunning(turn.state, event)) return;
  turn.state.running--;
  succeed(turn, event.node, event.port, event.output);
}

function retryOrGiveUp(turn: Turn, event: FlowEvent & { type: "failed" }): void {
  const { state, commands } = turn;
  const { node, error } = event;
  if (!isRunning(state, event)) return;
  state.running--;
  if (state.phase !== "running") {
    state.nodes[node] = "cancelled";
    return;
  }
  const retry = nextAttempt(state.flow.nodes[node]?.retry, error, event.attempt);
  if (retry === undefined) {
    giveUp(turn, node, error);
    return;
  }
  state.nodes[node] = "waiting";
  state.waiting++;
  commands.push({ type: "retry", node, attempt: event.attempt + 1, ...retry, error });
}

function requeue({ state }: Turn, node: number): void {
  if (state.phase !== "running" || state.nodes[node] !== "waiting") return;
  state.waiting--;
  state.nodes[node] = "ready";
  state.ready.push(node);
}

function startReady(turn: Turn): void {
  const { state, commands } = turn;
  while (mayStart(state)) {
    if (state.runs >= state.flow.settings.maxNodeRuns) {
      fail(turn, tooManyRuns(state));
      return;
    }
    const node = state.ready.pop() as number;
    const attempt = (state.attempts[node] as number) + 1;
    state.attempts[node] = attempt;
    state.nodes[node] = "running";
    state.running++;
    state.runs++;
    commands.push({ type: "start", node, attempt });
  }
}

function mayStart({ phase, paused, running, maxParallel, ready }: FlowState): boolean {
  return phase === "running" && !paused && running < maxParallel && ready.size > 0;
}

function isRunning(state: FlowState, event: { node: number; attempt: number }): boolean {
  return state.nodes[event.node] === "running" && state.attempts[event.node] === event.attempt;
}

function tooManyRuns(state: FlowState): ErrorInfo {
  const message = `more than ${state.flow.settings.maxNodeRuns} node runs (settings.maxNodeRuns)`;
  return { code: "LIMIT", message, retryable: false };
}
