import type { Msg, Subscription } from "nats";
import { isLane, type Lane } from "../domain/lane.ts";
import type { PullReport } from "../messages/worker.ts";
import { nak } from "./ack.ts";
import { asksWhy } from "./asks-why.ts";
import type { Bus } from "./connect.ts";
import { headersOf } from "./foreign.ts";
import { type LaneMessage, lanePlace } from "./intake.ts";

/** The ids of a task that was taken. */
export interface TakenIds {
  readonly executionId: string;
  readonly flowId: string;
}

export interface PulledTaskEvents {
  /** Takes the message and says what it is, or undefined: then it goes back to its lane. */
  readonly pulled: (message: LaneMessage) => TakenIds | undefined;
  /** `pulled` threw; the message goes back to its lane as well. */
  readonly fault: (error: unknown) => void;
  /** There is something to report. */
  readonly report: () => void;
}

type Report = { -readonly [Key in keyof PullReport]: PullReport[Key] };

/** Orchestrators come and go; the oldest of more than this has gone. */
const MOST_ORCHESTRATORS = 32;

/** A worker's side of directed pulls: tasks that come from the server itself, and what is told of them. */
export class PulledTasks {
  readonly #bus: Bus;
  readonly #workerId: string;
  readonly #events: PulledTaskEvents;
  readonly #subscriptions = new Map<string, Subscription>();
  #reports = new Map<string, Report>();

  constructor(bus: Bus, workerId: string, events: PulledTaskEvents) {
    this.#bus = bus;
    this.#workerId = workerId;
    this.#events = events;
  }

  /**
   * Takes what an orchestrator pulls for this worker from now on. A delivery does not say which
   * request it answers, so each orchestrator has a subscription of its own.
   */
  takeFrom(by: string): void {
    if (this.#subscriptions.has(by)) return;
    const subject = this.#bus.names.pulled(this.#workerId, `${by}.>`);
    const subscription = this.#bus.nc.subscribe(subject, {
      callback: (error, msg) => {
        if (error === null) this.#receive(by, msg);
      },
    });
    this.#subscriptions.set(by, subscription);
    const [oldest] = this.#subscriptions;
    if (this.#subscriptions.size <= MOST_ORCHESTRATORS || oldest === undefined) return;
    oldest[1].unsubscribe();
    this.#subscriptions.delete(oldest[0]);
  }

  stop(): void {
    for (const subscription of this.#subscriptions.values()) subscription.unsubscribe();
    this.#subscriptions.clear();
  }

  /** What has come of pulls since this was asked last. */
  takeReports(): PullReport[] {
    if (this.#reports.size === 0) return [];
    const reports = [...this.#reports.values()];
    this.#reports = new Map();
    return reports;
  }

  #receive(by: string, msg: Msg): void {
    // Planned first: the report then leaves in the same write as what the tasks publish.
    this.#events.report();
    const lane = this.#bus.names.laneOf(msg.subject);
    if (lane === undefined) this.#status(by, msg);
    else this.#handle(this.#reportOf(by, lane), lane, msg);
  }

  #handle(report: Report, lane: Lane, msg: Msg): void {
    const ackSubject = msg.reply ?? "";
    const place = lanePlace(lane, ackSubject);
    // Not from JetStream: anybody may publish here.
    if (place === undefined) return;
    const headers = headersOf(msg);
    const taken = this.#take({ ...place, data: msg.data, headers });
    if (taken === undefined) {
      nak(this.#bus, ackSubject);
      report.returned += 1;
    } else if (asksWhy(headers)) report.took.push({ ...taken, ackSubject, explain: true });
    else report.took.push({ ...taken, ackSubject });
  }

  /** One message that cannot be handled must not end the client's reader, and with it this worker. */
  #take(message: LaneMessage): TakenIds | undefined {
    try {
      return this.#events.pulled(message);
    } catch (error) {
      this.#events.fault(error);
      return undefined;
    }
  }

  /** The end of a request that came up short arrives on the subject that the request has named. */
  #status(by: string, msg: Msg): void {
    const [lane, pull] = msg.subject.split(".").slice(-2);
    const code = codeOf(msg);
    if (!isLane(lane) || pull === undefined || code === 100) return;
    const isShort = code === 404 || code === 408;
    this.#reportOf(by, lane).end = { pull, outcome: isShort ? "short" : "unavailable" };
  }

  #reportOf(by: string, lane: Lane): Report {
    const key = `${by}.${lane}`;
    const known = this.#reports.get(key);
    if (known !== undefined) return known;
    const report: Report = { by, lane, took: [], returned: 0 };
    this.#reports.set(key, report);
    return report;
  }
}

function codeOf(msg: Msg): number {
  try {
    return msg.headers?.code ?? 0;
  } catch {
    // Headers that cannot be read are not the server's.
    return 0;
  }
}
