import { NotFoundError } from "../domain/errors.ts";
import type { PageRoute } from "../http/extensions.ts";
import type { Mirror } from "../inspect/mirror.ts";
import { Drawings, pageFile } from "../inspect/pages.ts";
import type { MachineDefinition } from "../messages/inspection.ts";

/** The page that shows actors, as routes. */
export function inspectionPages(mirror: Mirror): readonly PageRoute[] {
  const drawings = new Drawings();
  return [
    ...["/inspect", "/inspect/"].map(
      (path): PageRoute => ({
        path,
        open: true,
        handle: (call) => pageFile("index.html", call.header("if-none-match")),
      }),
    ),
    {
      path: "/inspect/assets/:file",
      open: true,
      handle: (call) => pageFile(call.param("file"), call.header("if-none-match")),
    },
    {
      path: "/inspect/machines/:file",
      handle: async (call) => {
        const [, hash = "", ending = ""] =
          /^([0-9a-f]{16})\.(svg|json)$/.exec(call.param("file")) ?? [];
        return drawings.file(await machineOf(mirror, hash), ending);
      },
    },
  ];
}

/** Machines are known while somebody watches: one who asks for a drawing alone watches for that long. */
async function machineOf(mirror: Mirror, hash: string): Promise<MachineDefinition> {
  const known = mirror.machines.get(hash) ?? (await lookFor(mirror, hash));
  if (known !== undefined) return known;
  throw new NotFoundError(`no actor has a machine ${hash === "" ? "of that name" : hash}`);
}

async function lookFor(mirror: Mirror, hash: string): Promise<MachineDefinition | undefined> {
  if (hash === "") return undefined;
  const none = () => {};
  const deaf = { record: none, gone: none, machine: none, node: none };
  const place = mirror.attach(deaf, []);
  await mirror.complete();
  place.leave();
  return mirror.machines.get(hash);
}
