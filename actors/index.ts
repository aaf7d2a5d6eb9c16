export {
  type AmqpLinkContext,
  type AmqpLinkEvent,
  type AmqpLinkInput,
  amqpLinkMachine,
} from "./amqp-link.ts";
export { type AmqpLinkEffects, amqpLinkWith } from "./amqp-link-effects.ts";
export { autoscalerMachine } from "./autoscaler.ts";
export {
  type AutoscalerEffects,
  autoscalerWith,
  type ScalingTrouble,
} from "./autoscaler-effects.ts";
export type { AutoscalerContext, AutoscalerEvent, AutoscalerInput } from "./autoscaler-facts.ts";
export {
  type ConnectionContext,
  type ConnectionEvent,
  type ConnectionInput,
  connectionMachine,
} from "./connection.ts";
export type { EffectFaults } from "./effects.ts";
export {
  type ExecutionContext,
  type ExecutionEvent,
  type ExecutionInput,
  executionMachine,
} from "./execution.ts";
export {
  fromRemote,
  type RemoteLogic,
  type RemoteOptions,
  type RemoteSnapshot,
  type RemoteView,
} from "./from-remote.ts";
export { type LeaseContext, type LeaseEvent, type LeaseInput, leaseMachine } from "./lease.ts";
export { supervisorMachine } from "./supervisor.ts";
export { type Freeze, type SupervisorEffects, supervisorWith } from "./supervisor-effects.ts";
export type {
  SupervisorContext,
  SupervisorEnding,
  SupervisorEvent,
  SupervisorInput,
} from "./supervisor-facts.ts";
export { workerMachine } from "./worker.ts";
export {
  type DrainOrder,
  type WorkerChange,
  type WorkerEffects,
  type WorkerLoss,
  workerWith,
} from "./worker-effects.ts";
export {
  type LiveWorkerState,
  manifestOf,
  type RecoveredWorker,
  type WorkerEnding,
  type WorkerEndingReason,
  type WorkerEvent,
  type WorkerEventType,
  type WorkerInput,
  type WorkerManifest,
} from "./worker-events.ts";
export type { WorkerContext } from "./worker-facts.ts";
export { recoveredInput, standingOf, type WorkerStanding } from "./worker-view.ts";
