import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { NotFoundError, UnreachableError } from "../domain/errors.ts";
import type { MachineDefinition } from "../messages/inspection.ts";
import { drawChart } from "./draw.ts";

/** What a page answers; `src/http` has a port that it fits. */
export interface Page {
  readonly status: number;
  readonly body: string | Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
}

/** What has been built from `web`; the same place for what is built and for what is being developed. */
const BUILT = import.meta.url.endsWith(".ts")
  ? new URL("../../dist/web/inspect/", import.meta.url)
  : new URL("../../web/inspect/", import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  "index.html": "text/html; charset=utf-8",
  "inspect.js": "text/javascript; charset=utf-8",
  "inspect.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
};

/** Nothing but what this server serves; drawings are parsed and put into the page as elements. */
const PAGE_POLICY =
  "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'";
const DRAWING_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'";

/**
 * A file of the page, by its name; `etag` is what the browser has of it.
 *
 * @throws NotFoundError for any other name; UnreachableError when the pages have not been built.
 */
export async function pageFile(name: string, etag: string | undefined): Promise<Page> {
  const type = TYPES[name];
  if (type === undefined) throw new NotFoundError(`the page has no file ${name}`);
  const body = await read(name);
  const tag = tagOf(body);
  const headers = {
    "content-type": type,
    "content-security-policy": PAGE_POLICY,
    // Asked for each time: the page has to fit the server that it talks to.
    "cache-control": "no-cache",
    etag: tag,
  };
  return etag === tag ? { status: 304, body: "", headers } : { status: 200, body, headers };
}

async function read(name: string): Promise<Uint8Array> {
  try {
    return await readFile(new URL(name, BUILT));
  } catch (cause) {
    throw new UnreachableError("the page has not been built: run `npm run build`", { cause });
  }
}

const MAX_DRAWINGS = 200;

/** The drawings of machines, each made once. */
export class Drawings {
  readonly #drawings = new Map<string, Promise<string>>();

  /** `<hash>.svg`, or `<hash>.json` for what is known of the machine. */
  async file(machine: MachineDefinition, ending: string): Promise<Page> {
    const etag = `"${machine.hash}-${ending}"`;
    const common = { "cache-control": "private, max-age=86400", etag };
    if (ending === "json") {
      const headers = { ...common, "content-type": "application/json" };
      return { status: 200, body: JSON.stringify(machine), headers };
    }
    const body = await this.#drawing(machine);
    const type = { "content-type": "image/svg+xml", "content-security-policy": DRAWING_POLICY };
    return { status: 200, body, headers: { ...common, ...type } };
  }

  #drawing({ hash, chart }: MachineDefinition): Promise<string> {
    const known = this.#drawings.get(hash);
    if (known !== undefined) return known;
    const drawing = drawChart(chart);
    const [oldest] = this.#drawings.keys();
    if (this.#drawings.size >= MAX_DRAWINGS && oldest !== undefined) this.#drawings.delete(oldest);
    this.#drawings.set(hash, drawing);
    drawing.catch(() => this.#drawings.delete(hash));
    return drawing;
  }
}

function tagOf(body: Uint8Array): string {
  return `"${createHash("sha256").update(body).digest("hex").slice(0, 16)}"`;
}
