import { BatutaError, InvalidInputError } from "../domain/errors.ts";
import type {
  ActorRecord,
  InspectionSink,
  MachineDefinition,
  NodeInfo,
} from "../messages/inspection.ts";
import { Budget } from "./budget.ts";
import { LatestStore } from "./latest-store.ts";
import { definitionOf, plainDefinition } from "./stately-definition.ts";
import { type ProducerFrame, type ProducerSnapshot, readFrame } from "./stately-frames.ts";

export interface ProducerOptions {
  readonly sink: InspectionSink;
  /** Takes out of a context or an event what is secret, and cuts it to size. */
  readonly redact: (value: unknown) => unknown;
  /** Where its actors are shown: unique over all connections. */
  readonly node: string;
  /** Of the process that it is connected to. */
  readonly host: Pick<NodeInfo, "hostname" | "version">;
  readonly onTrouble: (reason: string, detail: unknown) => void;
  /** How many live ones are shown; further ones are counted. Default 1,000. */
  readonly maxActors?: number;
  /** How often the latest of its actors goes into the bucket; default 500 ms. */
  readonly storeMs?: number;
}

const DEFAULTS = { maxActors: 1_000, storeMs: 500 };
const MESSAGES_PER_S = 2_000;
const CHARS_PER_S = 8_388_608;
const MAX_DEFINITIONS = 500;

interface Session {
  readonly address: string;
  readonly parent: string | undefined;
  readonly machine: MachineDefinition;
  readonly state: string;
  readonly since: string;
  /** Of the event that it was told of last. */
  readonly sourceId: string | undefined;
}

/** A process that sends what its actors do with stock tools: a node of its own until it leaves. */
export class StatelyProducer {
  readonly #options: Required<ProducerOptions>;
  readonly #budget = new Budget(MESSAGES_PER_S, CHARS_PER_S);
  readonly #store: LatestStore;
  readonly #sessions = new Map<string, Session>();
  readonly #latest = new Map<string, ActorRecord>();
  readonly #defined = new Map<string, MachineDefinition>();
  readonly #stopAnswering: (() => void) | undefined;
  #seq = 0;
  #dropped = 0;
  #malformed = 0;

  constructor(options: ProducerOptions) {
    this.#options = { ...DEFAULTS, ...options };
    const { sink, storeMs, node } = this.#options;
    this.#store = new LatestStore(sink, storeMs, (err) => {
      this.#dropped += 1;
      this.#trouble("the actors of a producer cannot be stored", { node, err });
    });
    this.#stopAnswering = sink.answerFor?.(() => this.#info());
  }

  /** How many messages of it could not be read. */
  get malformed(): number {
    return this.#malformed;
  }

  /** What is malformed, too much or of too many actors is counted and told, and no more. */
  take(text: string): void {
    if (!this.#budget.takes(text.length, Date.now())) {
      this.#drop("a producer sends more than is read");
      return;
    }
    try {
      this.#apply(readFrame(text));
    } catch (error) {
      if (!(error instanceof BatutaError)) throw error;
      this.#malformed += 1;
      this.#trouble("a frame of a producer that cannot be read", { why: error.message });
    }
  }

  /** Ends its actors, and takes them out of the bucket. */
  async end(): Promise<void> {
    this.#stopAnswering?.();
    for (const record of this.#latest.values()) {
      const { event: _event, source: _source, ...rest } = record;
      const end = { kind: "end", status: "stopped", seq: this.#next(), at: nowText() } as const;
      this.#publish({ ...rest, ...end });
    }
    await this.#store.end();
  }

  #apply(frame: ProducerFrame): void {
    const { sessionId, type, sourceId, snapshot } = frame;
    const known = this.#sessions.get(sessionId);
    if (known !== undefined && type === "@xstate.event")
      this.#sessions.set(sessionId, { ...known, sourceId });
    if (snapshot === undefined || type === "@xstate.event") return;
    if (known !== undefined && (type === "@xstate.snapshot" || frame.definition === undefined))
      this.#tell(frame, snapshot, known);
    else if (known !== undefined)
      this.#tell(frame, snapshot, { ...known, machine: this.#machineOf(frame) });
    // One that has ended has been told of already, or never is.
    else if (snapshot.status !== "active") return;
    else if (this.#sessions.size >= this.#options.maxActors)
      this.#drop("a producer has more actors than are shown");
    else this.#tell(frame, snapshot, this.#open(frame, snapshot));
  }

  /** Stock producers forget the first of many messages: an actor is also opened by what it does. */
  #open(frame: ProducerFrame, { state }: ProducerSnapshot): Session {
    const { parentId = "" } = frame;
    return {
      address: this.#addressOf(frame),
      parent: this.#sessions.get(parentId)?.address,
      machine: this.#machineOf(frame),
      state,
      since: nowText(),
      sourceId: undefined,
    };
  }

  #addressOf({ name, sessionId }: ProducerFrame): string {
    const wanted = `${safe(name ?? "actor")}/${safe(sessionId)}`;
    return this.#latest.has(wanted) ? `${wanted}-${this.#seq}` : wanted;
  }

  /** @throws InvalidInputError when it is one too many: all are kept in the bucket. */
  #machineOf({ definition }: ProducerFrame): MachineDefinition {
    const machine = this.#read(definition) ?? plainDefinition();
    const known = this.#defined.get(machine.hash);
    if (known !== undefined) return known;
    if (this.#defined.size >= MAX_DEFINITIONS)
      throw new InvalidInputError(`it has sent more than ${MAX_DEFINITIONS} definitions`);
    this.#defined.set(machine.hash, machine);
    this.#store.define(machine);
    return machine;
  }

  #read(definition: string | undefined): MachineDefinition | undefined {
    if (definition === undefined) return undefined;
    try {
      return definitionOf(definition);
    } catch (error) {
      if (!(error instanceof BatutaError)) throw error;
      this.#trouble("a definition that cannot be drawn", { why: error.message });
      return undefined;
    }
  }

  #tell(frame: ProducerFrame, snapshot: ProducerSnapshot, session: Session): void {
    const record = this.#record(frame, snapshot, session);
    const { address, state, since = nowText() } = record;
    if (!this.#publish(record)) this.#dropped += 1;
    if (record.kind === "end") {
      this.#sessions.delete(frame.sessionId);
      this.#latest.delete(address);
      this.#store.remove(record);
      return;
    }
    this.#sessions.set(frame.sessionId, { ...session, state, since });
    this.#latest.set(address, record);
    this.#store.put(record);
  }

  #publish(record: ActorRecord): boolean {
    return this.#options.sink.publish(record, JSON.stringify(record));
  }

  #record(frame: ProducerFrame, snapshot: ProducerSnapshot, session: Session): ActorRecord {
    const { node, redact } = this.#options;
    const { address, parent, machine } = session;
    const { state, value, status, tags, context, output, error } = snapshot;
    const isStep = frame.type === "@xstate.snapshot" && frame.event !== undefined;
    const at = nowText();
    return {
      v: 1,
      kind: status === "active" ? (isStep ? "transition" : "actor") : "end",
      node,
      address,
      incarnation: node,
      seq: this.#next(),
      at,
      machine: machine.hash,
      machineId: machine.id,
      ...(parent === undefined ? {} : { parent }),
      ...(isStep ? { ...this.#event(frame, session), from: session.state } : {}),
      state,
      since: state === session.state ? session.since : at,
      value,
      status,
      tags,
      context: redact(context ?? null),
      actions: [],
      timers: [],
      ...(output === undefined ? {} : { output: redact(output) }),
      ...(error === undefined ? {} : { error }),
    };
  }

  #event({ event }: ProducerFrame, { sourceId = "" }: Session): Partial<ActorRecord> {
    if (event === undefined) return {};
    const redacted = this.#options.redact(event);
    const fields = typeof redacted === "object" && redacted !== null ? redacted : {};
    const source = this.#sessions.get(sourceId)?.address;
    return { event: { ...fields, type: event.type }, ...(source ? { source } : {}) };
  }

  #drop(reason: string): void {
    this.#dropped += 1;
    this.#trouble(reason, { dropped: this.#dropped });
  }

  #trouble(reason: string, detail: object): void {
    const { node, onTrouble } = this.#options;
    onTrouble(reason, { node, ...detail });
  }

  #info(): NodeInfo {
    const { node, host } = this.#options;
    const actors = this.#sessions.size;
    return { v: 1, node, kind: "foreign", ...host, pid: 0, actors, dropped: this.#dropped };
  }

  #next(): number {
    this.#seq += 1;
    return this.#seq;
  }
}

function nowText(): string {
  return new Date().toISOString();
}

/** Something that can be part of an address: of a subject, a key and a URL. */
function safe(text: string): string {
  return text.slice(0, 64).replaceAll(/[^A-Za-z0-9_-]+/g, "_");
}
