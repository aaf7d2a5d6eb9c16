import { withoutPasswords } from "../../config/explain.ts";
import type { Config } from "../../config/variables.ts";
import { isAtLeast } from "../../domain/server-version.ts";
import { openBus } from "../inspect/open-bus.ts";
import { natsUrlOf } from "../nats/sources.ts";
import { type Finding, fail, ok, warn } from "./finding.ts";

/** Works from 2.9.10 on, and is best from 2.14 on (DESIGN C2). */
const [OLDEST, BEST] = ["2.9.10", "2.14.0"] as const;

/** How the NATS server is, and whether orchestrators have been there. */
export async function natsFindings(config: Config): Promise<readonly Finding[]> {
  const where = withoutPasswords(natsUrlOf(config));
  try {
    await using bus = await openBus(config);
    const { version = "?" } = bus.nc.info ?? {};
    const roundTripMs = Math.max(1, Math.round(await bus.nc.rtt()));
    const server = `nats-server ${version} at ${where}, ${roundTripMs} ms away`;
    const stream = bus.names.streams.flows.normal;
    const isThere = await bus.jsm.streams.info(stream).then(
      () => true,
      () => false,
    );
    return [versionFinding(version, server), streamsFinding(stream, isThere)];
  } catch (error) {
    return [fail("nats", (error as Error).message)];
  }
}

export function versionFinding(version: string, server: string): Finding {
  if (!isAtLeast(version, OLDEST))
    return fail("nats", `${server} is older than ${OLDEST}`, "use a newer nats-server");
  if (isAtLeast(version, BEST)) return ok("nats", server);
  const next = `nothing has to be done; from ${BEST} on fewer messages have to be sent twice`;
  return warn("nats", `${server}: it works, and newer ones are better`, next);
}

export function streamsFinding(stream: string, isThere: boolean): Finding {
  if (isThere) return ok("streams", "an orchestrator has made them");
  return warn("streams", `there is no stream ${stream}`, "start an orchestrator: `batuta run`");
}
