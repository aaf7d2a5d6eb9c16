import {
  type AmqpLinkEvent,
  type AutoscalerEvent,
  amqpLinkMachine,
  autoscalerMachine,
  type ConnectionEvent,
  connectionMachine,
  type ExecutionEvent,
  executionMachine,
  type LeaseEvent,
  leaseMachine,
  type SupervisorEvent,
  supervisorMachine,
  type WorkerEventType,
  workerMachine,
} from "../../actors/index.ts";
import { type ChartEdge, type ChartState, chartOf } from "../../src/domain/chart.ts";
import { mermaidOf } from "../../src/domain/mermaid.ts";

type Machine = Parameters<typeof chartOf>[0];

/** What each event means. A new event does not compile until it has its line. */
const WORKER_EVENTS: Readonly<Record<WorkerEventType, string>> = {
  registered: "the same incarnation registered again; its manifest may have changed",
  heartbeat:
    "a beat, with what the fleet says beside it; noted if it is of this incarnation and newer",
  pong: "the canary on `cmd.ping` was answered by the loop that takes tasks",
  unreachable: "`cmd.ping` had no responders",
  drain: "an operator, scale-down or the worker itself (SIGTERM) wants it to finish and go",
  drained: "it holds nothing any more and takes nothing",
  inFlight: "how many executions this orchestrator has assigned to it",
  bye: "it left cleanly",
  exit: "the provisioner saw its process end",
  evict: "a higher incarnation of the same id registered",
  freeze: "the supervisor doubts itself: no verdicts, at most for a minute",
  thaw: "the supervisor trusts itself again; silence counts from now",
};

const SUPERVISOR_EVENTS: Readonly<Record<SupervisorEvent["type"], string>> = {
  ready: "topology and registry are there",
  startFailed: "they are not, and never will be",
  leaseAcquired: "this orchestrator leads; not believed without a bus",
  leaseLost: "it does no longer",
  busLost: "the connection broke: nothing is led, dispatched or judged",
  busBack: "it is back; what was missed is still on its way",
  pause: "an operator stops dispatching",
  resume: "and starts it again",
  saturated: "no worker has room for more",
  relieved: "some has again",
  doubt: "own event-loop lag, or more than 40 % of at least 3 workers suspect at once",
  stop: "SIGTERM, or an operator",
  drained: "what was under way is settled",
};

const AUTOSCALER_EVENTS: Readonly<Record<AutoscalerEvent["type"], string>> = {
  lead: "this orchestrator leads: scaling is its business now",
  follow: "it does no longer",
  alarm: "something cannot wait for the interval: a watermark, a missing worker, a person's word",
  decided: "what `decideScale` says",
  undecided: "the workers could not be listed",
  started: "the provisioner has started what was decided",
  startFailed: "it could not",
  retired: "those that were named have been told to go",
  retireFailed: "they could not be told",
  crashed: "a worker ended that nobody had told to, or never registered",
};

const CONNECTION_EVENTS: Readonly<Record<ConnectionEvent["type"], string>> = {
  disconnected: "the connection is lost",
  reconnected: "there is one again, maybe to another server",
  silent: "the server owes an answer",
  answered: "it has answered",
  closed: "by the process, or for good by an error",
};

const LEASE_EVENTS: Readonly<Record<LeaseEvent["type"], string>> = {
  acquired: "the lease was taken, or confirmed after it had been suspended",
  lost: "another one holds it, or it could not be renewed",
  suspended: "this orchestrator was cut off: others may have taken it",
  released: "it was given back",
};

const AMQP_LINK_EVENTS: Readonly<Record<AmqpLinkEvent["type"], string>> = {
  connected: "the broker has let it in",
  declared: "exchanges and queues are there, channels and consumers are set up",
  failed: "it could not be connected or declared",
  lost: "the connection or one of its channels is gone",
  blocked: "the broker takes nothing: memory or disk run out there",
  unblocked: "it does again",
  held: "NATS takes nothing: what has come is kept unacknowledged",
  released: "it does again",
  drain: "the bridge stops",
  drained: "what was under way is settled",
};

const EXECUTION_EVENTS: Readonly<Record<ExecutionEvent["type"], string>> = {
  node: "a node has ended",
  paused: "an operator paused it: no further node is started",
  resumed: "and resumed it",
  cancelled: "its nodes are told to stop",
  committing: "the flow has run; its record is being stored",
  ended: "what came of it",
  abandoned: "its worker leaves; others will run it",
};

/** The whole of actors/README.md, drawn from the machines. */
export function actorsReadme(): string {
  return [
    "# Actors",
    "",
    "Every statechart of Batuta. This page is drawn from the machines by `test/actors/readme.ts`; a",
    "test fails when it is stale (`npx vitest run --project unit test/actors -u` draws it again).",
    "",
    "Machines name their effects and do not perform them: `workerWith(effects)`, `supervisorWith(effects)`",
    "and `autoscalerWith(effects)` supply them. An effect that throws is reported as `effectFailed` and the",
    "actor goes on. The kernel (`src/kernel`) runs the actors: each is the root of its own system.",
    "",
    "Events bring facts; transitions without an event judge the facts. Delays are computed from the",
    "facts too, so that entering a state again re-arms its timers and never lengthens a dwell.",
    "What each event does in each state: `test/actors/worker-table.md`.",
    "",
    ...section("The worker", workerMachine, WORKER_EVENTS),
    ...section("The supervisor", supervisorMachine, SUPERVISOR_EVENTS),
    ...section("The autoscaler", autoscalerMachine, AUTOSCALER_EVENTS),
    ...section("A link to the AMQP broker", amqpLinkMachine, AMQP_LINK_EVENTS),
    "The last three mirror what others decide, so that people see it.",
    "",
    ...section("The lease", leaseMachine, LEASE_EVENTS),
    ...section("A connection to the bus", connectionMachine, CONNECTION_EVENTS),
    ...section("An attempt of an execution", executionMachine, EXECUTION_EVENTS),
  ].join("\n");
}

function section(
  title: string,
  machine: Machine,
  events: Readonly<Record<string, string>>,
): string[] {
  const chart = chartOf(machine);
  const eventRows = Object.entries(events).map(([name, meaning]) => [`\`${name}\``, meaning]);
  return [
    `## ${title}`,
    "",
    "```mermaid",
    mermaidOf(chart).trimEnd(),
    "```",
    "",
    markdownTable(["event", "meaning"], eventRows),
    "",
    markdownTable(["state", "tags", "on entry", "on exit"], chart.states.slice(1).map(stateRow)),
    "",
    markdownTable(["in", "on", "if", "to", "does"], chart.edges.map(edgeRow)),
    "",
  ];
}

function stateRow({ path, tags, entry, exit }: ChartState): string[] {
  return [path, tags.join(", "), entry.join(", "), exit.join(", ")];
}

function edgeRow({ from, trigger, name, guard, to, actions }: ChartEdge): string[] {
  const cause = { event: name, after: `after ${name}`, always: "always" }[trigger];
  return [from || "any state", cause, guard ?? "", to ?? "", actions.join(", ")];
}

/** A table as Biome formats it: columns of one width. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = [head, ...rows];
  const widths = head.map((_, column) =>
    Math.max(3, ...all.map((cells) => (cells[column] ?? "").length)),
  );
  const line = (cells: readonly string[], fill: string) =>
    `| ${widths.map((width, i) => (cells[i] ?? "").padEnd(width, fill)).join(" | ")} |`;
  return [line(head, " "), line([], "-"), ...rows.map((row) => line(row, " "))].join("\n");
}
