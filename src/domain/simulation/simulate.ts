import { LANES, type PerLane, perLane } from "../lane.ts";
import { LoadGauge } from "../load-gauge.ts";
import { needsAnswerNow } from "../scaling.ts";
import type { ScalingDecision, ScalingFacts, ScalingPolicy } from "../scaling-facts.ts";
import { ScalingMemory } from "../scaling-memory.ts";
import { SimulatedFleet } from "./fleet.ts";
import type { Arrival } from "./load.ts";
import { Queues } from "./queues.ts";
import { reportOf, type SimulationReport } from "./report.ts";
import { TimeHeap } from "./time-heap.ts";

export type Decide = (facts: ScalingFacts, policy: ScalingPolicy) => ScalingDecision;

export interface SimulationOptions {
  readonly policy: ScalingPolicy;
  readonly decide: Decide;
  /** False: it is decided at the interval only, as the seed does. */
  readonly answersAtOnce: boolean;
  readonly evaluationIntervalMs: number;
  /** From the decision until a worker takes tasks. */
  readonly bootMs: number;
  readonly slots: number;
  readonly capacityLimit: number;
  readonly weights: PerLane<number>;
  /** Called for each decision with all that it was given. */
  readonly record?: (facts: ScalingFacts, decision: ScalingDecision) => void;
}

const SAMPLE_MS = 1_000;

/**
 * What a load would have met: the lanes, the slots and the decisions of production, on a clock that is only
 * reckoned. Nothing is started. Arrivals come in the order of their time.
 */
export function simulate(
  arrivals: Iterable<Arrival>,
  options: SimulationOptions,
): SimulationReport {
  return new Simulation(options).run(arrivals[Symbol.iterator]());
}

type Happening =
  | { readonly type: "ended"; readonly worker: NonNullable<ReturnType<SimulatedFleet["occupy"]>> }
  | { readonly type: "booted" }
  | { readonly type: "sample" };

class Simulation {
  readonly #options: SimulationOptions;
  readonly #queues: Queues;
  readonly #fleet: SimulatedFleet;
  readonly #gauge = new LoadGauge();
  readonly #memory: ScalingMemory;
  readonly #due = new TimeHeap<Happening>();
  readonly #waits = perLane((): number[] => []);
  #arrived = 0;
  #ended = 0;
  #workerMs = 0;
  #peak = 0;
  #ups = 0;
  #downs = 0;
  #decidedAtMs = Number.NEGATIVE_INFINITY;
  #now = 0;

  constructor(options: SimulationOptions) {
    const { policy, weights, slots, capacityLimit } = options;
    this.#options = options;
    this.#queues = new Queues(weights);
    this.#fleet = new SimulatedFleet(slots, capacityLimit);
    this.#memory = new ScalingMemory(policy.stabilizationMs);
    this.#fleet.starting = policy.minWorkers;
    for (let each = 0; each < policy.minWorkers; each += 1) this.#fleet.booted();
  }

  run(arrivals: Iterator<Arrival>): SimulationReport {
    this.#due.push(0, { type: "sample" });
    let next = arrivals.next();
    while (!next.done || this.#arrived > this.#ended) {
      const arrival = next.done ? undefined : next.value;
      if (arrival !== undefined && arrival.atMs <= this.#due.nextMs) {
        this.#now = arrival.atMs;
        this.#arrived += 1;
        this.#queues.add(arrival);
        next = arrivals.next();
      } else this.#happen();
      this.#dispatch();
    }
    return reportOf({
      waits: this.#waits,
      workerMs: this.#workerMs,
      peak: this.#peak,
      ups: this.#ups,
      downs: this.#downs,
      lastedMs: this.#now,
    });
  }

  #happen(): void {
    this.#now = this.#due.nextMs;
    const happening = this.#due.pop();
    if (happening?.type === "ended") {
      this.#ended += 1;
      this.#fleet.release(happening.worker);
    } else if (happening?.type === "booted") this.#fleet.booted();
    else this.#sample();
  }

  #dispatch(): void {
    while (this.#queues.depth > 0) {
      const worker = this.#fleet.occupy();
      if (worker === undefined) return;
      const task = this.#queues.take() as Arrival;
      this.#waits[task.lane].push(this.#now - task.atMs);
      this.#due.push(this.#now + task.serviceMs, { type: "ended", worker });
    }
  }

  #sample(): void {
    this.#due.push(this.#now + SAMPLE_MS, { type: "sample" });
    this.#workerMs += this.#fleet.size * SAMPLE_MS;
    this.#peak = Math.max(this.#peak, this.#fleet.size);
    const { inFlight, usableSlots } = this.#fleet;
    const ended = this.#ended;
    this.#gauge.add({ at: this.#now, arrived: this.#arrived, ended, inFlight, usableSlots });
    const { evaluationIntervalMs, answersAtOnce, policy } = this.#options;
    const facts = this.#facts();
    const isDue = this.#now - this.#decidedAtMs >= evaluationIntervalMs;
    if (isDue || (answersAtOnce && needsAnswerNow(facts, policy) !== undefined))
      this.#decide(facts);
  }

  #decide(facts: ScalingFacts): void {
    const { decide, policy, record, bootMs } = this.#options;
    const decision = decide(facts, policy);
    record?.(facts, decision);
    this.#decidedAtMs = this.#now;
    this.#memory.note(decision, this.#now, policy.minWorkers);
    if (decision.action === "up") this.#ups += 1;
    if (decision.action === "down") this.#downs += 1;
    this.#fleet.starting += decision.start;
    for (let each = 0; each < decision.start; each += 1)
      this.#due.push(this.#now + bootMs, { type: "booted" });
    this.#fleet.drain(decision.drain);
  }

  #facts(): ScalingFacts {
    const { waiting } = this.#queues;
    return {
      now: this.#now,
      mode: { type: "auto" },
      lanes: LANES.map((lane) => ({ lane, waiting: waiting[lane], oldestAgeMs: null })),
      workers: this.#fleet.loads,
      starting: this.#fleet.starting,
      ...this.#gauge.read(),
      unplaceable: 0,
      frozen: null,
      escalated: null,
      advisory: false,
      ...this.#memory.facts,
    };
  }
}
