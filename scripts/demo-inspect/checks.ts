import { createWebSocketReceiver } from "@statelyai/inspect";
import type { Check } from "../demo/summary.ts";
import type { Sight } from "./sight.ts";

interface StatelyActor {
  readonly type: string;
  readonly sessionId: string;
  readonly definition?: string;
}

const RECEIVE_MS = 15_000;

/** Joins late, as anybody with Stately's tools may, and wants all that lives with what it is. */
export async function receivedByStately(url: string, sight: Sight): Promise<Check> {
  const what =
    "the official receiver of Stately, joined late, has every live actor with its definition";
  const alive = () =>
    sight.table
      .actors()
      .filter(({ status }) => status === "active")
      .map(({ node, address }) => `${node}/${address}`);
  const defined = new Set<string>();
  const receiver = createWebSocketReceiver({ server: url });
  receiver.subscribe((event) => {
    const { type, sessionId, definition } = event as unknown as StatelyActor;
    if (type === "@xstate.actor" && isDefinition(definition)) defined.add(sessionId);
  });
  const missing = () => alive().filter((key) => !defined.has(key));
  const giveUpAt = Date.now() + RECEIVE_MS;
  while (missing().length > 0 && Date.now() < giveUpAt)
    await new Promise((resolve) => setTimeout(resolve, 100));
  const faults = missing().map((key) => `${key} is missing`);
  const told = `${what} (${alive().length - faults.length} of ${alive().length})`;
  return { what: told, faults: alive().length === 0 ? ["there are none"] : faults };
}

function isDefinition(text: string | undefined): boolean {
  if (text === undefined) return false;
  const config: unknown = JSON.parse(text);
  return typeof config === "object" && config !== null && "states" in config;
}

/** The page and the list over HTTP. */
export async function servedOverHttp(url: string, sight: Sight): Promise<readonly Check[]> {
  const paths = ["/inspect", "/inspect/assets/inspect.js", "/inspect/assets/inspect.css"];
  const answers = await Promise.all(
    paths.map(async (path) => ({ path, status: (await fetch(`${url}${path}`)).status })),
  );
  const listed = await fetch(`${url}/actors?limit=1000`);
  const { actors } = (await listed.json()) as { readonly actors: readonly unknown[] };
  const known = sight.table.actors().length;
  // Executions come and go between two looks.
  const isNear = Math.abs(actors.length - known) <= 5;
  return [
    {
      what: "the page and all that it needs are served",
      faults: answers
        .filter(({ status }) => status !== 200)
        .map(({ path, status }) => `${path}: ${status}`),
    },
    {
      what: `GET /actors lists what the inspector sees (${actors.length})`,
      faults: isNear ? [] : [`${actors.length} listed, ${known} seen`],
    },
  ];
}

/** Each fault was seen for what it was. */
export function faultsSeen(sight: Sight, wanted: readonly (readonly [string, string])[]): Check {
  return {
    what: "each fault was seen: killed, frozen and back, drained, overloaded",
    faults: wanted
      .filter(([change]) => !sight.saw(change))
      .map(([change, what]) => `${what}: no ${change}`),
  };
}
