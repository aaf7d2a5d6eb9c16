import type { Reply, Route } from "../../http/call.ts";
import { Metrics } from "../../telemetry/metrics.ts";

export interface LinkHealth {
  readonly state: string;
  /** Why it does not run, or takes nothing. */
  readonly reason?: string | undefined;
}

/** How a bridge is. `ready`: flows come in, and what becomes of them goes out. */
export interface BridgeHealth {
  readonly status: "healthy" | "degraded";
  readonly ready: boolean;
  /** Of the broker, without its login. */
  readonly server: string;
  readonly nats: { readonly connected: boolean };
  readonly links: { readonly in: LinkHealth; readonly out: LinkHealth };
  readonly workers: readonly string[];
  readonly unsettled: number;
  readonly unconfirmed: number;
  /** What came and went since the start, by kind. */
  readonly counts: Readonly<Record<string, number>>;
}

export interface BridgePort {
  health(): BridgeHealth;
  metrics(): Promise<string>;
}

/** What a bridge serves over HTTP, where BATUTA_AMQP_HTTP_PORT is set. */
export function bridgeRoutes(port: BridgePort): readonly Route[] {
  const get = (path: string, handle: Route["handle"], open = false): Route => ({
    method: "GET",
    path,
    open,
    handle,
  });
  return [
    get("/livez", () => ({ status: 200, body: { status: "alive" } }), true),
    get("/readyz", () => ready(port), true),
    get("/bridge/health", () => ({ status: 200, body: port.health() })),
    get("/metrics", async () => ({
      status: 200,
      body: await port.metrics(),
      headers: { "content-type": Metrics.contentType },
    })),
  ];
}

function ready(port: BridgePort): Reply {
  const { ready: isReady, links, nats } = port.health();
  return { status: isReady ? 200 : 503, body: { ready: isReady, links, nats } };
}
