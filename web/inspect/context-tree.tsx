import { Scroll } from "../shared/scroll.tsx";
import { shown } from "../shared/text.ts";

interface Props {
  readonly now: unknown;
  readonly before: unknown;
}

const MAX_ROWS = 300;

/** A context as rows of path and value; those that the last event changed are marked. */
export function ContextTree({ now, before }: Props) {
  const rows = flat(now);
  if (rows.length === 0) return <p class="empty">Nothing is known of it yet.</p>;
  const old = before === undefined ? undefined : new Map(flat(before));
  return (
    <Scroll label="Fields of the context">
      <table class="tree">
        <tbody>
          {rows.slice(0, MAX_ROWS).map(([path, value]) => {
            const isChanged = old !== undefined && old.get(path) !== value;
            return (
              <tr key={path} class={isChanged ? "changed" : ""}>
                <th scope="row">
                  <bdi>{shown(path, 120)}</bdi>
                </th>
                <td>
                  <bdi>{shown(value)}</bdi>
                  {isChanged && <span class="mark"> changed</span>}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </Scroll>
  );
}

/** Short lists in one row, all else a row for each value. */
function flat(value: unknown, path = ""): [path: string, text: string][] {
  if (value === undefined) return [];
  if (typeof value !== "object" || value === null) return [[path, textOf(value)]];
  const text = JSON.stringify(value);
  const isShort = text.length <= 60 || (Array.isArray(value) && value.every(isPlain));
  if (path !== "" && isShort) return [[path, text]];
  return Object.entries(value).flatMap(([key, each]) =>
    flat(each, path === "" ? key : `${path}.${key}`),
  );
}

function isPlain(value: unknown): boolean {
  return typeof value !== "object" || value === null;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : String(value);
}
