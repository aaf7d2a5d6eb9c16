import { join, resolve } from "node:path";
import type { PerLane } from "../domain/lane.ts";
import type { Kind } from "./kind.ts";

/** Server addresses; the scheme may be left out, the port defaults to 4222 in the client. */
export const natsUrl: Kind<string> = {
  accepts: "nats://host:port or tls://host:port, several separated by commas",
  parse: (given) => {
    const servers = given.split(",").map((server) => server.trim());
    return servers.every(isServer) ? { ok: true, value: servers.join(",") } : { ok: false };
  },
};

function isServer(server: string): boolean {
  const withScheme = server.includes("://") ? server : `nats://${server}`;
  if (!/^(nats|tls):\/\/[^\s/?#]+\/?$/.test(withScheme)) return false;
  return URL.canParse(withScheme) && new URL(withScheme).hostname !== "";
}

/** The address of one broker; a vhost is what comes after the host. */
export const amqpUrl: Kind<string> = {
  accepts: "amqp://user:password@host:port/vhost or amqps://…",
  parse: (given) => {
    if (!/^amqps?:\/\/[^\s?#]+$/.test(given) || !URL.canParse(given)) return { ok: false };
    return new URL(given).hostname === "" ? { ok: false } : { ok: true, value: given };
  },
};

/** A host name or IP address; brackets around IPv6 are dropped. */
export const host: Kind<string> = {
  accepts: "a host name or an IP address to listen on",
  parse: (given) => {
    const bare = given.replace(/^\[(.*)\]$/, "$1");
    return /^[A-Za-z0-9._:%-]{1,255}$/.test(bare) ? { ok: true, value: bare } : { ok: false };
  },
};

/** Shares of the lanes, "high:normal:low". None may be 0, or that lane would starve. */
export const laneWeights: Kind<PerLane<number>> = {
  accepts: "three whole numbers from 1 to 1000, high:normal:low, like 8:3:1",
  parse: (given) => {
    const shares = given.split(":").map((share) => (/^\d{1,4}$/.test(share) ? Number(share) : 0));
    const [high = 0, normal = 0, low = 0] = shares;
    const fits = shares.length === 3 && shares.every((share) => share >= 1 && share <= 1_000);
    return fits ? { ok: true, value: { high, normal, low } } : { ok: false };
  },
};

const LABEL = /^([A-Za-z0-9_.\-/]{1,63})=([^=,]{0,128})$/;

export type Labels = Readonly<Record<string, string>>;

/** What a worker says of itself, to be matched by flows: "zone=eu,gpu=true". */
export const labels: Kind<Labels> = {
  accepts: "k=v pairs separated by commas, each key once, like zone=eu,gpu=true",
  parse: (given) => {
    if (given === "") return { ok: true, value: {} };
    const pairs = given.split(",").map((pair) => LABEL.exec(pair.trim())?.slice(1, 3));
    const found = new Map(pairs.map(([key = "", value = ""] = []) => [key, value]));
    const fits = found.size === pairs.length && !found.has("");
    return fits ? { ok: true, value: Object.fromEntries(found) } : { ok: false };
  },
};

/** A directory or file; "~/" is the home, a relative one is made absolute so that child processes agree. */
export const path: Kind<string> = {
  accepts: "a path",
  parse: (given, { cwd, home }) => {
    const expanded = given.startsWith("~/") ? join(home, given.slice(2)) : given;
    return { ok: true, value: resolve(cwd, expanded) };
  },
};

/** An id of a worker, or "auto" for one that the worker makes up at its start. */
export const workerId: Kind<string | undefined> = {
  accepts: "auto, or 1 to 64 of A-Z a-z 0-9 _ -",
  parse: (given) => {
    if (given === "auto") return { ok: true, value: undefined };
    return /^[A-Za-z0-9_-]{1,64}$/.test(given) ? { ok: true, value: given } : { ok: false };
  },
};

/** Names of fields. */
export const names: Kind<readonly string[]> = {
  accepts: "names separated by commas, like email,phone",
  parse: (given) => {
    const each = given.split(",").map((name) => name.trim());
    return { ok: true, value: each.filter((name) => name !== "") };
  },
};

/** Origins of web pages, as browsers send them: no path, no default port. */
export const origins: Kind<readonly string[]> = {
  accepts: "origins separated by commas, like https://ops.example.org,http://localhost:8080",
  parse: (given) => {
    const each = given.split(",").map((origin) => origin.trim());
    const wanted = each.filter((origin) => origin !== "");
    return wanted.every(isOrigin) ? { ok: true, value: wanted } : { ok: false };
  },
};

function isOrigin(text: string): boolean {
  return /^https?:/.test(text) && URL.canParse(text) && new URL(text).origin === text;
}
