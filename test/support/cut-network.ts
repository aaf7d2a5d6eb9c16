import { openNamespaces } from "./cut-namespaces.ts";
import { openProxies } from "./cut-proxies.ts";

/** Processes that reach the nats-server over links of their own, which can be cut without a word. */
export interface CutNetwork extends AsyncDisposable {
  /** How it is done, for reports. */
  readonly way: string;
  /** Where the nats-server has to listen. */
  readonly host: string;
  link(serverUrl: string): Promise<Link>;
}

/** What one process, or one process after another, reaches the server by. */
export interface Link {
  /** The server's address as seen from behind the link. */
  readonly url: string;
  /** What the command of a process that is to be behind the link begins with. */
  readonly launcher: readonly string[];
  /** From now on what is sent vanishes, both ways, and nobody is told. */
  cut(): Promise<void>;
  mend(): Promise<void>;
}

export const CUT_WAYS = ["auto", "namespaces", "proxies"] as const;
export type CutWay = (typeof CUT_WAYS)[number];

/**
 * Network namespaces where this process may make them, else TCP proxies of our own. `way` asks for
 * one of them; BATUTA_TEST_CUTS does so for tests.
 */
export async function openCutNetwork(way: CutWay = wayOfTests()): Promise<CutNetwork> {
  if (way === "proxies") return openProxies("as asked for");
  try {
    return await openNamespaces();
  } catch (error) {
    if (way === "namespaces") throw error;
    return openProxies(`no network namespaces: ${firstLine(error)}`);
  }
}

function wayOfTests(): CutWay {
  const wanted = process.env.BATUTA_TEST_CUTS ?? "auto";
  const way = CUT_WAYS.find((each) => each === wanted);
  if (way === undefined) throw new Error(`BATUTA_TEST_CUTS must be one of ${CUT_WAYS}`);
  return way;
}

function firstLine(error: unknown): string {
  const lines = String(error instanceof Error ? error.message : error).split("\n");
  return lines.find((line) => line.trim() !== "") ?? "";
}
