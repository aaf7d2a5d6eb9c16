import type { Lane } from "../domain/lane.ts";

/**
 * Every exchange, queue and routing key of the AMQP contract (B9; research/amqp.md 1.2), and nowhere else.
 * `prefix` is BATUTA_AMQP_PREFIX.
 */
export function amqpNames(prefix = "batuta") {
  return {
    /** Commands, in both directions. */
    commands: prefix,
    /** What happens, for everybody. */
    events: `${prefix}.events`,
    /** What nobody could do anything with. */
    deadLetters: `${prefix}.dlx`,
    flows: (lane: Lane) => `${prefix}.flows.${lane}`,
    dead: `${prefix}.dead`,
    /** What workers send. */
    workers: {
      registration: `${prefix}.workers.registration`,
      heartbeat: `${prefix}.workers.heartbeat`,
      result: `${prefix}.results`,
    },
    /** What one worker is to do. */
    tasks: (workerId: string) => `${prefix}.tasks.${workerId}`,
    keys: {
      registration: "worker.registration",
      heartbeat: "worker.heartbeat",
      result: "task.result",
      task: (workerId: string) => `task.assign.${workerId}`,
      execute: (lane: Lane) => `flow.execute.${lane}`,
      flow: (status: string, executionId: string) => `flow.${status}.${executionId}`,
      worker: (workerId: string, state: string) => `worker.status.${workerId}.${state}`,
    },
  };
}

export type AmqpNames = ReturnType<typeof amqpNames>;
