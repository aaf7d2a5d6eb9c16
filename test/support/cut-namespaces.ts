import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { promisify } from "node:util";
import type { CutNetwork, Link } from "./cut-network.ts";

const run = promisify(execFile);
const ip = async (...args: string[]) => (await run("ip", args)).stdout;

/** Names carry the process that made them, so that what a killed one left behind can be told. */
const LINK = /^btcut(\d+)(x\d+)?$/;
const NAMESPACE = /^btcut-(\d+)-\d+$/;
/** 198.18.0.0/15 is set aside for tests of networks (RFC 2544): one /24 for each run. */
const SUBNETS = 512;

/**
 * A bridge, and on it one network namespace for each link. A link is cut by taking its cable off the
 * bridge: its carrier stays up and neighbours are entered by hand, so both ends go on sending and
 * nothing, not even ARP, tells them that it vanishes.
 *
 * @throws where this process may not do so, or has no iproute2.
 */
export async function openNamespaces(): Promise<CutNetwork> {
  if (process.platform !== "linux") throw new Error(`there are none on ${process.platform}`);
  await removeStale();
  const network = new Namespaces(process.pid, await freeSubnet());
  try {
    await network.open();
    return network;
  } catch (error) {
    await network[Symbol.asyncDispose]();
    throw error;
  }
}

class Namespaces implements CutNetwork {
  readonly way = "network namespaces";
  readonly host: string;
  readonly #pid: number;
  readonly #subnet: string;
  readonly #bridge: string;
  readonly #bridgeMac: string;
  /** How to undo what was made, in the order in which it was made. */
  readonly #undo: (readonly string[])[] = [];
  #hosts = 1;

  constructor(pid: number, subnet: string) {
    this.#pid = pid;
    this.#subnet = subnet;
    this.#bridge = `btcut${pid}`;
    this.host = `${subnet}.1`;
    this.#bridgeMac = macOf(this.host);
  }

  /** Tries a link as well: what fails, fails here. */
  async open(): Promise<void> {
    await this.#make("link", this.#bridge, "address", this.#bridgeMac, "type", "bridge");
    await ip("addr", "add", `${this.host}/24`, "dev", this.#bridge);
    await ip("link", "set", this.#bridge, "up");
    const { launcher, cut, mend } = await this.link("");
    const [command = "", ...args] = launcher;
    await run(command, [...args, "true"]);
    await cut();
    await mend();
  }

  async link(url: string): Promise<Link> {
    this.#hosts += 1;
    const host = this.#hosts;
    const namespace = `btcut-${this.#pid}-${host}`;
    const cable = `btcut${this.#pid}x${host}`;
    await this.#make("netns", namespace);
    await this.#plugIn(namespace, cable, `${this.#subnet}.${host}`);
    const cut = async () => void (await ip("link", "set", cable, "nomaster"));
    const mend = async () => void (await ip("link", "set", cable, "master", this.#bridge));
    return { url, launcher: ["ip", "netns", "exec", namespace], cut, mend };
  }

  async #plugIn(namespace: string, cable: string, address: string): Promise<void> {
    const inside = (...args: string[]) => ip("-n", namespace, ...args);
    const mac = macOf(address);
    const peer = ["peer", "name", "eth0", "address", mac, "netns", namespace];
    await this.#make("link", cable, "type", "veth", ...peer);
    await ip("link", "set", cable, "master", this.#bridge, "up");
    await inside("link", "set", "lo", "up");
    await inside("addr", "add", `${address}/24`, "dev", "eth0");
    await inside("link", "set", "eth0", "up");
    const known = ["nud", "permanent"];
    await inside("neigh", "replace", this.host, "lladdr", this.#bridgeMac, "dev", "eth0", ...known);
    await ip("neigh", "replace", address, "lladdr", mac, "dev", this.#bridge, ...known);
  }

  async #make(what: "link" | "netns", name: string, ...how: string[]): Promise<void> {
    await ip(what, "add", name, ...how);
    this.#undo.push([what, "del", name]);
  }

  /** Cables by themselves: a connection that was cut may keep its namespace for minutes. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const step of this.#undo.splice(0).reverse()) await ip(...step);
  }
}

/** What runs left behind that were killed. */
async function removeStale(): Promise<void> {
  for (const name of await readdir("/sys/class/net")) {
    if (isStale(LINK.exec(name))) await ip("link", "del", name);
  }
  // The folder is made with the first of them.
  for (const name of await readdir("/run/netns").catch(() => [])) {
    if (isStale(NAMESPACE.exec(name))) await ip("netns", "del", name);
  }
}

function isStale(match: RegExpExecArray | null): boolean {
  if (match === null) return false;
  try {
    process.kill(Number(match[1]), 0);
    return false;
  } catch {
    // No such process.
    return true;
  }
}

async function freeSubnet(): Promise<string> {
  const taken = await ip("-o", "-4", "addr");
  const candidates = Array.from({ length: SUBNETS }, (_, index) => process.pid + index);
  const names = candidates.map((each) => `198.${18 + ((each >> 8) & 1)}.${each & 255}`);
  const free = names.find((name) => !taken.includes(` ${name}.`));
  if (free === undefined) throw new Error("all test networks are taken");
  return free;
}

/** One that nobody else has, told by the address. */
function macOf(address: string): string {
  const octets = address.split(".").map((octet) => Number(octet).toString(16).padStart(2, "0"));
  return `02:ba:${octets.join(":")}`;
}
