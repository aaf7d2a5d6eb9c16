import type { Config } from "../config/variables.ts";
import type { HttpExtensions, PageRoute, UpgradeRoute } from "../http/extensions.ts";
import type { Redact } from "../inspect/redact.ts";
import type { InspectionSink, InspectionSource } from "../messages/inspection.ts";
import type { InspectionGateway } from "./inspection-gateway.ts";
import type { ProcessLog } from "./process-log.ts";

export interface LazyInspectionOptions {
  readonly source: InspectionSource;
  readonly sink: InspectionSink;
  readonly redact: Redact;
  readonly host: { readonly hostname: string; readonly version: string };
  readonly config: Config["inspect"];
  readonly log: ProcessLog;
}

/** What people watch actors with; served, and closed when the HTTP server is. */
export interface LazyInspection {
  readonly extensions: HttpExtensions;
  close(): Promise<void>;
}

/** Pages and WebSockets as the gateway has them: they have to be known before it is there. */
const PAGES: readonly Pick<PageRoute, "path" | "open">[] = [
  { path: "/inspect", open: true },
  { path: "/inspect/", open: true },
  { path: "/inspect/assets/:file", open: true },
  { path: "/inspect/machines/:file" },
  { path: "/inspect/stately.html" },
];
const UPGRADES: readonly Pick<UpgradeRoute, "path" | "tokenInQuery">[] = [
  { path: "/inspect/live" },
  { path: "/inspect/stately", tokenInQuery: true },
];

/**
 * The gateway, loaded when the first one comes to look. Until then an orchestrator that nobody watches
 * does not carry what it needs for that: some 6 MB.
 */
export function lazyInspection(options: LazyInspectionOptions): LazyInspection {
  let loading: Promise<InspectionGateway> | undefined;
  let loaded: InspectionGateway | undefined;
  const gateway = () => {
    loading ??= load(options).then((made) => {
      loaded = made;
      return made;
    });
    return loading;
  };
  const upgrades = UPGRADES.map(
    (route): UpgradeRoute => ({
      ...route,
      busy: () => upgradeOf(loaded, route.path)?.busy?.(),
      take(request, socket, head) {
        gateway()
          .then((made) => upgradeOf(made, route.path)?.take(request, socket, head))
          .catch((err: unknown) => {
            options.log.error({ err }, "actors cannot be shown");
            socket.destroy();
          });
      },
    }),
  );
  const pages = PAGES.map(
    (route): PageRoute => ({
      ...route,
      async handle(call) {
        const made = await gateway();
        const page = made.extensions.pages?.find(({ path }) => path === route.path);
        if (page === undefined) throw new Error(`the gateway has no page ${route.path}`);
        return page.handle(call);
      },
    }),
  );
  return {
    extensions: {
      pages,
      upgrades,
      origins: options.config.origins,
      refused: (refusal) => {
        gateway()
          .then((made) => made.extensions.refused?.(refusal))
          .catch((err: unknown) => options.log.error({ err }, "actors cannot be shown"));
      },
      close: () => loaded?.extensions.close?.(),
    },
    close: async () => (await loading)?.close(),
  };
}

async function load(options: LazyInspectionOptions): Promise<InspectionGateway> {
  const [{ inspectionGateway }, { inspectionPages }] = await Promise.all([
    import("./inspection-gateway.ts"),
    import("./inspection-pages.ts"),
  ]);
  return inspectionGateway({ ...options, pages: inspectionPages });
}

function upgradeOf(gateway: InspectionGateway | undefined, path: string) {
  return gateway?.extensions.upgrades?.find((route) => route.path === path);
}
