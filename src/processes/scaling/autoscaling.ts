import { setTimeout as pause } from "node:timers/promises";
import type { Subscription } from "nats";
import { type AutoscalerEffects, autoscalerWith } from "../../../actors/autoscaler-effects.ts";
import type {
  AutoscalerContext,
  AutoscalerEvent,
  AutoscalerInput,
} from "../../../actors/autoscaler-facts.ts";
import type { Bus } from "../../bus/connect.ts";
import { type LaneDepth, oldestAgeMs } from "../../bus/lane-stats.ts";
import type { ScalingWishes } from "../../bus/scaling-wishes.ts";
import { decideScale, needsAnswerNow } from "../../domain/scaling.ts";
import type {
  LaneLoad,
  ScalingDecision,
  ScalingFacts,
  ScalingPolicy,
} from "../../domain/scaling-facts.ts";
import { ScalingMemory } from "../../domain/scaling-memory.ts";
import {
  changedWish,
  limitsOf,
  modeOf,
  NO_WISH,
  type ScalingWish,
  type WishChange,
} from "../../domain/scaling-wish.ts";
import type { ActorRef } from "../../kernel/actor.ts";
import type { Kernel } from "../../kernel/kernel.ts";
import type { DecisionSink } from "../../messages/decision.ts";
import type { ScalingView } from "../../messages/scaling.ts";
import type { Provisioner, WorkerExit } from "../../provisioners/provisioner.ts";
import type { Fleet } from "../fleet.ts";
import type { ProcessLog } from "../process-log.ts";
import { answerScaling } from "./answer-scaling.ts";
import { drainCandidates } from "./drain-candidates.ts";
import { LoadWatch } from "./load-watch.ts";
import { Provisioning } from "./provisioning.ts";
import { fleetFacts } from "./scaling-facts.ts";
import { scalingView } from "./scaling-view.ts";

/** What an orchestrator is told about scaling. */
export interface OrchestratorScaling {
  readonly provisioner: Provisioner;
  readonly policy: ScalingPolicy;
  /** False freezes the count, at its least or above: only a person changes it. */
  readonly enabled: boolean;
  readonly evaluationIntervalMs: number;
  readonly startupTimeoutMs: number;
}

export interface AutoscalingOptions extends OrchestratorScaling {
  readonly bus: Bus;
  readonly kernel: Kernel;
  readonly fleet: Fleet;
  readonly wishes: ScalingWishes;
  readonly drainTimeoutMs: number;
  readonly capacityLimit: number;
  /** Tasks that no live worker can run. */
  readonly unplaceable: () => number;
  /** Why the supervisor doubts itself. */
  readonly doubt: () => string | undefined;
  readonly decisions: DecisionSink;
  /** How deep the lanes are, once a second while this orchestrator leads. */
  readonly looked: (lanes: readonly LaneDepth[]) => void;
  readonly log: ProcessLog;
  readonly fault: (error: unknown, what: string) => void;
}

const READ_AGAIN_MS = 1_000;
const ADDRESS = "autoscaler";

/** Keeps the fleet as large as its load asks for: the autoscaler actor, and what it has done. */
export class Autoscaling {
  readonly #options: AutoscalingOptions;
  readonly #memory: ScalingMemory;
  readonly #watch: LoadWatch;
  readonly #provisioning: Provisioning;
  readonly #actor: ActorRef<AutoscalerEvent, AutoscalerContext>;
  readonly #stopListening: () => void;
  #answering: Subscription | undefined;
  #wish: ScalingWish = NO_WISH;
  #leads = false;
  #isNewLeader = true;
  /** Counts the times that it was told to lead or not to: an answer may belong to an earlier one. */
  #term = 0;
  #changed: Promise<unknown> = Promise.resolve();

  constructor(options: AutoscalingOptions) {
    this.#options = options;
    const { bus, fleet, capacityLimit, fault, provisioner, policy, kernel } = options;
    this.#memory = new ScalingMemory(policy.stabilizationMs);
    this.#watch = new LoadWatch({
      bus,
      candidates: () => fleet.candidates(),
      capacityLimit,
      now: Date.now,
      looked: options.looked,
      sampled: () => this.#sampled(),
      fault,
    });
    this.#provisioning = new Provisioning({
      ...options,
      limit: () => this.#policy.maxWorkers,
      isKnown: (workerId) => fleet.find(workerId) !== undefined,
      inDoubt: () => options.doubt() !== undefined,
      now: Date.now,
    });
    const input = { now: () => kernel.clock.now(), intervalMs: options.evaluationIntervalMs };
    this.#actor = kernel.start<AutoscalerEvent, AutoscalerInput, AutoscalerContext>({
      address: ADDRESS,
      machine: autoscalerWith(this.#effects()),
      input,
      recover: ({ leads }) => ({ ...input, leads }),
    });
    this.#stopListening = provisioner.onExit((exit) => this.#exited(exit));
  }

  /** This orchestrator leads: scaling is its business now. */
  async lead(): Promise<void> {
    this.#leads = true;
    this.#isNewLeader = true;
    this.#term += 1;
    const term = this.#term;
    const wish = await this.#readWish(() => this.#term === term);
    if (wish === undefined) return;
    this.#wish = wish;
    this.#answering = answerScaling(this.#options.bus, this);
    this.#watch.start();
    this.#actor.send({ type: "lead" });
  }

  /** What people want has to be known before anything is decided. Undefined once it is no more of use. */
  async #readWish(isMeant: () => boolean): Promise<ScalingWish | undefined> {
    const { wishes, fault } = this.#options;
    while (isMeant()) {
      try {
        const wish = await wishes.read();
        return isMeant() ? wish : undefined;
      } catch (error) {
        fault(error, "what is wanted of scaling");
        await pause(READ_AGAIN_MS);
      }
    }
    return undefined;
  }

  follow(): void {
    this.#leads = false;
    this.#term += 1;
    // Whoever leads next counts what there is: nothing may be added to it behind its back.
    this.#provisioning.interrupt("this orchestrator leads no more");
    this.#answering?.unsubscribe();
    this.#answering = undefined;
    this.#watch.stop();
    this.#actor.send({ type: "follow" });
  }

  stop(): void {
    this.follow();
    this.#stopListening();
  }

  /**
   * Does what a person wants of scaling, from now on and for every leader to come.
   *
   * @throws InvalidInputError that names each field at fault.
   */
  change(change: WishChange): Promise<void> {
    // One after the other: each changes what the one before it has left.
    const done = this.#changed.then(() => this.#change(change));
    this.#changed = done.catch(() => {});
    return done;
  }

  async #change(change: WishChange): Promise<void> {
    const { wishes, policy, log } = this.#options;
    const term = this.#term;
    const at = new Date().toISOString();
    const wish = changedWish(this.#wish, change, policy, at);
    await wishes.write(wish);
    // The next leader may have read what was wanted before.
    if (term !== this.#term) throw new Error("the leader has changed meanwhile: say it again");
    this.#wish = wish;
    this.#provisioning.believe();
    log.info({ ...change }, "scaling is changed by a person");
    this.#actor.send({ type: "alarm", reason: "a person changed what is wanted" });
  }

  get view(): ScalingView {
    const { provisioner } = this.#options;
    return scalingView({
      facts: this.#facts(this.#lanes()),
      policy: this.#policy,
      wish: this.#wish,
      provisioner: provisioner.kind,
      actor: this.#actor.snapshot(),
      memory: this.#memory,
    });
  }

  get #policy(): ScalingPolicy {
    const { policy } = this.#options;
    return { ...policy, ...limitsOf(this.#wish, policy) };
  }

  #effects(): AutoscalerEffects {
    const { log, fault } = this.#options;
    return {
      decide: () => void this.#decide(),
      start: (decision) => void this.#start(decision),
      retire: (decision) => void this.#retire(decision),
      tellFailing: ({ failures, error, retryInMs }) => {
        const fields = { failures, error, retryInMs };
        if (retryInMs > 0) log.error(fields, "provisioning fails; trying again after a while");
        else log.warn(fields, "a worker is lost or could not be had; another one is started");
      },
      effectFailed: (effect, error) => fault(error, effect),
    };
  }

  async #decide(): Promise<void> {
    const term = this.#term;
    try {
      const lost = await this.#provisioning.refresh();
      if (term !== this.#term) return;
      if (this.#isNewLeader) this.#begin();
      for (const why of lost) this.#givenUp(why);
      const policy = this.#policy;
      const lanes = await this.#lanesWithAges();
      if (term !== this.#term) return;
      const facts = this.#facts(lanes);
      const decision = decideScale(facts, policy);
      this.#note(facts, policy, decision);
      this.#actor.send({ type: "decided", decision });
    } catch (error) {
      this.#tell(term, { type: "undecided", error: (error as Error).message });
    }
  }

  #givenUp(why: string): void {
    this.#options.log.warn({ why }, "a worker is given up");
    this.#actor.send({ type: "crashed", error: why });
  }

  #begin(): void {
    this.#isNewLeader = false;
    const { workers, starting, now } = this.#facts([]);
    const staying = workers.filter(({ leaving }) => !leaving).length;
    this.#memory.begin(staying + starting, now);
  }

  #note(facts: ScalingFacts, policy: ScalingPolicy, decision: ScalingDecision): void {
    const { decisions, log } = this.#options;
    this.#memory.note(decision, facts.now, policy.minWorkers);
    const { action, count, desired, size, reasons } = decision;
    // While something cannot wait it is decided every second: the same again is no news.
    if (!this.#memory.isNews(decision) && !this.#memory.isRecordDue(facts.now)) return;
    this.#memory.recorded(decision, facts.now);
    const inputs = { facts, policy };
    const candidates = drainCandidates(facts, decision);
    decisions.record({ kind: "scale", about: {}, inputs, candidates, choice: decision, reasons });
    if (action !== "hold") log.info({ action, count, desired, size, reasons }, "scaling");
  }

  async #start({ start }: ScalingDecision): Promise<void> {
    const term = this.#term;
    try {
      await this.#provisioning.start(start);
      this.#tell(term, { type: "started" });
    } catch (error) {
      this.#tell(term, { type: "startFailed", error: (error as Error).message });
    }
  }

  /** What was asked for in an earlier term is no answer in this one. */
  #tell(term: number, event: AutoscalerEvent): void {
    if (term === this.#term) this.#actor.send(event);
  }

  async #retire({ drain, reasons }: ScalingDecision): Promise<void> {
    const { fleet } = this.#options;
    const term = this.#term;
    try {
      await this.#provisioning.retire(drain);
      for (const workerId of drain) fleet.drain(workerId, `scale-down: ${reasons.join(", ")}`);
      this.#tell(term, { type: "retired" });
    } catch (error) {
      this.#tell(term, { type: "retireFailed", error: (error as Error).message });
    }
  }

  /** Seen by the provisioner, at once: what the worker held moves without waiting for a ping. */
  #exited({ workerId, pid, code, signal, how, expected }: WorkerExit): void {
    this.#options.fleet.exited(workerId, { pid, code, signal });
    this.#provisioning.gone(workerId);
    if (!this.#leads) return;
    const error = `worker ${workerId} ended (${how})`;
    if (!expected) this.#actor.send({ type: "crashed", error });
    else this.#actor.send({ type: "alarm", reason: error });
  }

  #sampled(): void {
    this.#provisioning.look();
    const reason = needsAnswerNow(this.#facts(this.#lanes()), this.#policy);
    if (reason !== undefined) this.#actor.send({ type: "alarm", reason });
  }

  #facts(lanes: readonly LaneLoad[]): ScalingFacts {
    const { fleet, enabled, unplaceable, doubt, provisioner } = this.#options;
    const now = Date.now();
    const memory = this.#memory.facts;
    const { minWorkers } = this.#policy;
    return {
      now,
      mode: modeOf(this.#wish, enabled, Math.max(minWorkers, memory.target ?? 0)),
      lanes,
      ...fleetFacts({
        members: fleet.members(),
        candidateOf: (workerId) => fleet.candidate(workerId),
        provisioned: this.#provisioning.expected,
      }),
      ...this.#watch.read(),
      advisory: provisioner.advisory,
      unplaceable: unplaceable(),
      frozen: doubt() ?? null,
      escalated: fleet.escalation(now) ?? null,
      ...memory,
    };
  }

  #lanes(): readonly LaneLoad[] {
    return this.#watch.lanes.map(({ lane, pending }) => ({
      lane,
      waiting: pending,
      oldestAgeMs: null,
    }));
  }

  async #lanesWithAges(): Promise<readonly LaneLoad[]> {
    const { bus } = this.#options;
    return Promise.all(
      this.#watch.lanes.map(async (depth) => ({
        lane: depth.lane,
        waiting: depth.pending,
        // Only told: nothing is decided by it, and a bus that does not answer is no fault of the provisioner.
        oldestAgeMs: await oldestAgeMs(bus, depth, Date.now()).catch(() => null),
      })),
    );
  }
}
