import type { Subscription } from "nats";
import { type AutoscalerEffects, autoscalerWith } from "../../../actors/autoscaler-effects.ts";
import type {
  AutoscalerContext,
  AutoscalerEvent,
  AutoscalerInput,
} from "../../../actors/autoscaler-facts.ts";
import type { Bus } from "../../bus/connect.ts";
import type { LaneDepth } from "../../bus/lane-stats.ts";
import type { ScalingWishes } from "../../bus/scaling-wishes.ts";
import { decideScale, needsAnswerNow } from "../../domain/scaling.ts";
import type {
  ScalingDecision,
  ScalingFacts,
  ScalingMode,
  ScalingPolicy,
} from "../../domain/scaling-facts.ts";
import { ScalingMemory } from "../../domain/scaling-memory.ts";
import { limitsOf, modeOf, type WishChange } from "../../domain/scaling-wish.ts";
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
import { scalingView } from "./scaling-view.ts";
import { ScalingSight } from "./sight.ts";
import { WishKeeper } from "./wish-keeper.ts";

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

const ADDRESS = "autoscaler";

/** Keeps the fleet as large as its load asks for: the autoscaler actor, and what it has done. */
export class Autoscaling {
  readonly #options: AutoscalingOptions;
  readonly #memory: ScalingMemory;
  readonly #watch: LoadWatch;
  readonly #provisioning: Provisioning;
  readonly #keeper: WishKeeper;
  readonly #sight: ScalingSight;
  readonly #actor: ActorRef<AutoscalerEvent, AutoscalerContext>;
  readonly #stopListening: () => void;
  #answering: Subscription | undefined;
  #leads = false;
  #isNewLeader = true;
  /** Counts the times that it was told to lead or not to: an answer may belong to an earlier one. */
  #term = 0;

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
    const { wishes } = options;
    this.#keeper = new WishKeeper({ wishes, limits: policy, term: () => this.#term, fault });
    this.#sight = new ScalingSight({
      ...options,
      watch: this.#watch,
      memory: this.#memory,
      provisioned: () => this.#provisioning.expected,
      mode: () => this.#mode(),
      advisory: provisioner.advisory,
    });
    const input = { now: () => kernel.clock.now(), intervalMs: options.evaluationIntervalMs };
    this.#actor = kernel.start<AutoscalerEvent, AutoscalerInput, AutoscalerContext>({
      address: ADDRESS,
      parent: "supervisor",
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
    if (!(await this.#keeper.read())) return;
    this.#answering = answerScaling(this.#options.bus, this);
    this.#watch.start();
    this.#actor.send({ type: "lead" });
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
  async change(change: WishChange): Promise<void> {
    await this.#keeper.change(change);
    this.#provisioning.believe();
    this.#options.log.info({ ...change }, "scaling is changed by a person");
    this.#actor.send({ type: "alarm", reason: "a person changed what is wanted" });
  }

  get view(): ScalingView {
    const { provisioner } = this.#options;
    return scalingView({
      facts: this.#sight.facts(),
      policy: this.#policy,
      wish: this.#keeper.wish,
      provisioner: provisioner.kind,
      actor: this.#actor.snapshot(),
      memory: this.#memory,
    });
  }

  get #policy(): ScalingPolicy {
    const { policy } = this.#options;
    return { ...policy, ...limitsOf(this.#keeper.wish, policy) };
  }

  #mode(): ScalingMode {
    const least = Math.max(this.#policy.minWorkers, this.#memory.facts.target ?? 0);
    return modeOf(this.#keeper.wish, this.#options.enabled, least);
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
      const lanes = await this.#sight.lanesWithAges();
      if (term !== this.#term) return;
      const facts = this.#sight.facts(lanes);
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
    const { workers, starting, now } = this.#sight.facts();
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
  #exited({ workerId, pid, code, signal, how, expected, told }: WorkerExit): void {
    const isStillborn = told === false && this.#options.fleet.find(workerId) === undefined;
    this.#options.fleet.exited(workerId, { pid, code, signal });
    this.#provisioning.gone(workerId);
    if (!this.#leads) return;
    const error = `worker ${workerId} ended (${how})`;
    // A program that is no worker ends without a fault, and would be started again and again.
    if (!expected || isStillborn) this.#actor.send({ type: "crashed", error });
    else this.#actor.send({ type: "alarm", reason: error });
  }

  #sampled(): void {
    this.#provisioning.look();
    const reason = needsAnswerNow(this.#sight.facts(), this.#policy);
    if (reason !== undefined) this.#actor.send({ type: "alarm", reason });
  }
}
