import type { NatsConnection } from "nats";
import type { BusNames, FlowEventKind } from "../messages/subjects.ts";

/**
 * Publishes one live event of an execution, `{executionId, kind, at, …fields}`. Not stored: who
 * listens sees it, and what is durable is in the result, the journal and the dead letters.
 */
export function publishFlowEvent(
  bus: { readonly nc: NatsConnection; readonly names: BusNames },
  executionId: string,
  kind: FlowEventKind,
  fields: object,
): void {
  if (bus.nc.isClosed()) return;
  const at = new Date().toISOString();
  const body = JSON.stringify({ executionId, kind, at, ...fields });
  bus.nc.publish(bus.names.event(executionId, kind), body);
}
