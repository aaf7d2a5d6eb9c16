import type { Lane } from "../domain/lane.ts";
import { LANES, perLane } from "../domain/lane.ts";

/** The kinds of `flows.event.<executionId>.<kind>`. */
export const FLOW_EVENT_KINDS = [
  "accepted",
  "assigned",
  "started",
  "node",
  "progress",
  "retrying",
  "redistributed",
  "paused",
  "resumed",
  "completed",
  "failed",
  "cancelled",
] as const;
export type FlowEventKind = (typeof FLOW_EVENT_KINDS)[number];

/** The kinds of `supervisor.decision.<kind>`. */
export const DECISION_KINDS = [
  "scale",
  "health",
  "redistribute",
  "retry",
  "deadletter",
  "drain",
  "unplaceable",
  "assign",
] as const;
export type DecisionKind = (typeof DECISION_KINDS)[number];

/** The durable pull consumer of each lane, shared by all orchestrators. */
export const DISPATCH_CONSUMER = "dispatch";

/** Header names of `cmd.task` and of what passes a message on. */
export const HEADERS = {
  ack: "Batuta-Ack",
  execution: "Batuta-Execution",
  lane: "Batuta-Lane",
  attempt: "Batuta-Attempt",
  decision: "Batuta-Decision",
  /** Epoch ms, on a flow message: when whoever published it has given up. Beside a `deadline` the earlier one holds. */
  deadline: "Batuta-Deadline",
  /** "1" on a flow message: where it is placed is taken down, and why there. */
  explain: "Batuta-Explain",
  incarnation: "Batuta-Incarnation",
  queuedAt: "Batuta-Queued-At",
  uncertain: "Batuta-Uncertain",
  reason: "Batuta-Reason",
  /** How often the janitor has put this message back into its lane. */
  putBack: "Batuta-Put-Back",
  messageId: "Nats-Msg-Id",
  expectedLastSubjectSequence: "Nats-Expected-Last-Subject-Sequence",
} as const;

const KV_BUCKETS = [
  "workers",
  "leases",
  "executions",
  "schedules",
  "definitions",
  "config",
  "actors",
  "machines",
] as const;
export type KvBucket = (typeof KV_BUCKETS)[number];

/**
 * Every subject, stream, consumer and bucket of Batuta (contract B2), and nowhere else.
 *
 * `prefix` is BATUTA_SUBJECT_PREFIX: with "acme" the subject `flows.execute.high` is
 * `acme.flows.execute.high`, the stream `FLOWS_HIGH` is `acme_FLOWS_HIGH` and the bucket `workers`
 * is `acme_workers`. Empty by default.
 */
export function busNames(prefix = "") {
  const subject = (name: string) => (prefix === "" ? name : `${prefix}.${name}`);
  const asset = (name: string) => (prefix === "" ? name : `${prefix}_${name}`);
  const worker = (workerId: string, leaf: string) => subject(`workers.${workerId}.${leaf}`);
  return {
    prefix,

    execute: (lane: Lane) => subject(`flows.execute.${lane}`),
    result: (executionId: string) => subject(`flows.result.${executionId}`),
    journal: (executionId: string) => subject(`flows.journal.${executionId}`),
    event: (executionId: string, kind: FlowEventKind | "*") =>
      subject(`flows.event.${executionId}.${kind}`),
    dead: (lane: Lane | "*", executionId: string) => subject(`flows.dead.${lane}.${executionId}`),
    control: (executionId: string) => subject(`flows.control.${executionId}`),
    register: (workerId: string) => worker(workerId, "register"),
    heartbeat: (workerId: string) => worker(workerId, "heartbeat"),
    workerState: (workerId: string) => worker(workerId, "state"),
    task: (workerId: string) => worker(workerId, "cmd.task"),
    /** Where the server delivers what an orchestrator pulls for a worker; `pull` is `<orchestrator>.<lane>.<number>`. */
    pulled: (workerId: string, pull: string) => worker(workerId, `cmd.pulled.${pull}`),
    workerControl: (workerId: string) => worker(workerId, "cmd.control"),
    ping: (workerId: string) => worker(workerId, "cmd.ping"),
    done: (workerId: string) => worker(workerId, "done"),
    bye: (workerId: string) => worker(workerId, "bye"),
    orchestratorHeartbeat: (id: string) => subject(`orchestrators.${id}.heartbeat`),
    orchestratorControl: (id: string) => subject(`orchestrators.${id}.cmd.control`),
    orchestratorBye: (id: string) => subject(`orchestrators.${id}.bye`),
    decision: (kind: DecisionKind | "*") => subject(`supervisor.decision.${kind}`),
    /** Where the leader tells how scaling stands, and takes what people want of it (request and reply). */
    scaling: subject("supervisor.scaling"),
    /** Live records of an actor; `address` is one that `actorTokens` has made, or ">" for all of a node. */
    actor: (node: string, address: string) => subject(`actors.${node}.${address}`),
    /** Where every process is asked to tell what its actors do (request, answered by all of them). */
    inspectionWatch: subject("inspection.watch"),

    /** Which token of a subject made by the functions above holds the id: 2 without a prefix. */
    idToken: (fullSubject: string) => fullSubject.split(".")[prefix === "" ? 1 : 2] ?? "",

    streams: {
      flows: perLane((lane) => asset(`FLOWS_${lane.toUpperCase()}`)),
      results: asset("FLOW_RESULTS"),
      journal: asset("FLOW_JOURNAL"),
      dead: asset("FLOWS_DEAD"),
      heartbeats: asset("WORKER_HEARTBEATS"),
      states: asset("WORKER_STATES"),
      decisions: asset("SUPERVISOR_DECISIONS"),
    },
    buckets: Object.fromEntries(KV_BUCKETS.map((name) => [name, asset(name)])) as Record<
      KvBucket,
      string
    >,
    blobs: asset("BLOBS"),
    /** Bucket of the AMQP bridges: who waits for the result of an execution. */
    amqpReplies: asset("amqp_replies"),
    /** Bucket of the AMQP bridges: the workers that have registered over AMQP. */
    amqpWorkers: asset("amqp_workers"),
    /** Where the bridge that stands for an AMQP worker hears what another bridge was sent of it. */
    amqpWorker: (workerId: string, kind: string) => subject(`amqp.${workerId}.${kind}`),

    /** The lane of a subject `flows.execute.<lane>`, undefined for any other subject. */
    laneOf: (fullSubject: string): Lane | undefined =>
      LANES.find((lane) => fullSubject === subject(`flows.execute.${lane}`)),
    /** The execution that a result, event or control subject is about: its third token. */
    executionOf: (fullSubject: string) => fullSubject.split(".")[prefix === "" ? 2 : 3] ?? "",
  };
}

export type BusNames = ReturnType<typeof busNames>;
