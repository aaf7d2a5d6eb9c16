import { hostname } from "node:os";
import type { Bus } from "../bus/connect.ts";
import { answerWatchers } from "../bus/inspection-answers.ts";
import { BusInspectionSink } from "../bus/inspection-sink.ts";
import { ActorHub } from "../inspect/actor-hub.ts";
import { type Redact, redactingWriter, redactor } from "../inspect/redact.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { NodeInfo } from "../messages/inspection.ts";
import type { ProcessLog } from "./process-log.ts";
import { seldom } from "./seldom.ts";
import { VERSION } from "./version.ts";
import { within } from "./within.ts";

/** `config.inspect` fits. */
export interface InspectionSettings {
  readonly enabled: boolean;
  /** Names of fields that are taken out beside those that everybody keeps secret. */
  readonly redact: readonly string[];
}

export interface InspectionOptions {
  readonly bus: Bus;
  readonly kernel: Kernel;
  readonly node: string;
  readonly kind: NodeInfo["kind"];
  readonly settings: InspectionSettings;
  /** Somebody begins to watch: what is no actor yet may become one. */
  readonly watched?: () => void;
  readonly log: Pick<ProcessLog, "warn">;
}

/** Where the bus is away each actor has the same trouble. */
const TELL_EVERY_MS = 30_000;
/** What is not taken out of the bucket in this time runs out by itself. */
const CLOSE_MS = 1_000;

/** Tells of the actors of this process to whoever watches. */
export class Inspection {
  readonly sink: BusInspectionSink;
  readonly redact: Redact;
  readonly #hub: ActorHub;
  readonly #stopAnswering: () => void;

  constructor({ bus, kernel, node, kind, settings, watched, log }: InspectionOptions) {
    this.sink = new BusInspectionSink(bus);
    this.redact = redactor(settings.redact);
    const fault = seldom(TELL_EVERY_MS, Date.now, ({ error, what }: Trouble, times) =>
      log.warn({ err: error, what, times }, "actors could not be told of"),
    );
    const about = { node, kind, hostname: hostname(), pid: process.pid, version: VERSION };
    this.#hub = new ActorHub({
      node: about,
      kernel,
      sink: this.sink,
      write: redactingWriter(settings.redact),
      now: Date.now,
      watched,
      // In microseconds: no process tells a million records a second, so a later one begins higher.
      firstSeq: Date.now() * 1_000,
      fault: (error, what) => fault({ error, what }),
    });
    this.#hub.start();
    void this.#followConnection(bus);
    this.#stopAnswering = answerWatchers(bus, this.#hub, (error, what) => fault({ error, what }));
  }

  get isWatched(): boolean {
    return this.#hub.isWatched;
  }

  async #followConnection({ nc }: Bus): Promise<void> {
    for await (const { type } of nc.status()) if (type === "reconnect") this.#hub.doubt();
  }

  /** Tells no more, and takes the actors of this process out of the bucket. */
  async close(): Promise<void> {
    this.#stopAnswering();
    await within(this.#hub.close(), CLOSE_MS);
  }
}

interface Trouble {
  readonly error: unknown;
  readonly what: string;
}
