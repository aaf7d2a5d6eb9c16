import type { HttpExtensions, PageRoute } from "../http/extensions.ts";
import { Hall, type HallOptions } from "../inspect/hall.ts";
import { liveGateway } from "../inspect/live-gateway.ts";
import { Mirror, type MirrorOptions } from "../inspect/mirror.ts";
import { bridgePage } from "../inspect/stately-bridge.ts";
import { type StatelyOptions, statelyGateway } from "../inspect/stately-gateway.ts";
import type { InspectionSink, InspectionSource, NodeInfo } from "../messages/inspection.ts";
import type { ProcessLog } from "./process-log.ts";
import { seldom } from "./seldom.ts";

export interface InspectionGatewayOptions {
  readonly source: InspectionSource;
  readonly sink: InspectionSink;
  readonly redact: (value: unknown) => unknown;
  readonly host: Pick<NodeInfo, "hostname" | "version">;
  /** `config.inspect` fits. */
  readonly config: { readonly origins: readonly string[]; readonly statelyBridge: boolean };
  /** What is served besides the WebSockets and the bridge: the page, given the mirror. */
  readonly pages?: (mirror: Mirror) => readonly PageRoute[];
  readonly log: Pick<ProcessLog, "warn">;
  readonly mirror?: Omit<MirrorOptions, "onTrouble">;
  readonly hall?: Omit<HallOptions, "onTrouble">;
  readonly stately?: Pick<StatelyOptions, "maxActors" | "storeMs">;
}

export interface InspectionGateway {
  /** For the HTTP server, which closes them with itself. */
  readonly extensions: HttpExtensions;
  readonly mirror: Mirror;
  /** What was refused or went wrong since the start, by reason. */
  readonly troubles: ReadonlyMap<string, number>;
  /** To be called after the HTTP server is closed; resolves when the actors of foreign producers are ended. */
  close(): Promise<void>;
}

const TOLD_EVERY_MS = 60_000;

/** All that an orchestrator serves to those who watch actors. */
export function inspectionGateway(options: InspectionGatewayOptions): InspectionGateway {
  const { source, sink, redact, host, config, pages = () => [] } = options;
  const troubles = new Troubles(options.log);
  const onTrouble = (reason: string, detail: unknown) => troubles.note(reason, detail);
  const mirror = new Mirror(source, { ...options.mirror, onTrouble });
  const hall = new Hall({ ...options.hall, onTrouble });
  const live = liveGateway(mirror, hall, onTrouble);
  const stately = statelyGateway(mirror, hall, {
    ...options.stately,
    sink,
    redact,
    host,
    onTrouble,
  });
  const extensions: HttpExtensions = {
    pages: [bridgePage(config.statelyBridge), ...pages(mirror)],
    upgrades: [live.endpoint, stately.endpoint],
    origins: config.origins,
    refused: ({ code, ...refusal }) => onTrouble(`refused: ${code}`, refusal),
    close: () => hall.close(),
  };
  const close = async () => {
    hall.close();
    live.close();
    mirror.close();
    await stately.close();
  };
  return { extensions, mirror, troubles: troubles.counts, close };
}

/** Counts what goes wrong, and tells each kind of it once a minute: strangers could fill the log. */
class Troubles {
  readonly counts = new Map<string, number>();
  readonly #tellers = new Map<string, (detail: unknown) => void>();
  readonly #log: Pick<ProcessLog, "warn">;

  constructor(log: Pick<ProcessLog, "warn">) {
    this.#log = log;
  }

  note(reason: string, detail: unknown): void {
    this.counts.set(reason, (this.counts.get(reason) ?? 0) + 1);
    const tell = this.#tellers.get(reason) ?? this.#teller(reason);
    tell(detail);
  }

  #teller(reason: string): (detail: unknown) => void {
    const tell = seldom(TOLD_EVERY_MS, Date.now, (detail: unknown, times) => {
      this.#log.warn({ reason, detail, times }, "trouble with those who watch actors");
    });
    this.#tellers.set(reason, tell);
    return tell;
  }
}
