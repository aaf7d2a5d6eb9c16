import { InvalidInputError } from "../domain/errors.ts";
import { type ActorQuery, isCursor } from "../messages/actor-view.ts";
import type { Call, Route } from "./call.ts";
import type { OrchestratorPort } from "./port.ts";
import { badQuery } from "./queries.ts";

type ActorPort = Pick<OrchestratorPort, "actors" | "actor">;

const DEFAULT_LIMIT = 100;
const MOST = 1_000;
const LONGEST = 512;

/** The routes that show the actors of all processes. */
export function actorRoutes(port: ActorPort): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/actors",
      handle: async (call) => ({ status: 200, body: await port.actors(queryOf(call)) }),
    },
    {
      method: "GET",
      path: "/actors/:address{[^]+}",
      handle: async (call) => ({
        status: 200,
        body: await port.actor(addressOf(call), text(call, "node")),
      }),
    },
  ];
}

function queryOf(call: Call): ActorQuery {
  const [machine, node, state, prefix] = ["machine", "node", "state", "prefix"].map((name) =>
    text(call, name),
  );
  const cursor = call.query("cursor");
  if (cursor !== undefined && !isCursor(cursor))
    throw badQuery("cursor", "`next` of an earlier answer", cursor);
  return {
    ...(machine === undefined ? {} : { machine }),
    ...(node === undefined ? {} : { node }),
    ...(state === undefined ? {} : { state }),
    ...(prefix === undefined ? {} : { prefix }),
    ...(cursor === undefined ? {} : { cursor }),
    limit: limitOf(call),
  };
}

function limitOf(call: Call): number {
  const limit = call.query("limit") ?? String(DEFAULT_LIMIT);
  if (!/^[1-9]\d{0,5}$/.test(limit)) throw badQuery("limit", "a whole number from 1", limit);
  return Math.min(MOST, Number(limit));
}

const ACCEPTED = `1 to ${LONGEST} characters, none of them a control character`;

function text(call: Call, name: string): string | undefined {
  const value = call.query(name);
  if (value !== undefined && !isPlain(value)) throw badQuery(name, ACCEPTED, value);
  return value;
}

function addressOf(call: Call): string {
  const address = call.param("address");
  if (isPlain(address)) return address;
  const detail = `the address of an actor has ${ACCEPTED}`;
  throw new InvalidInputError(detail, { problems: [{ code: "E_ID", pointer: "", detail }] });
}

function isPlain(value: string): boolean {
  return value !== "" && value.length <= LONGEST && !/\p{Cc}/u.test(value);
}
