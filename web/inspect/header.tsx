import type { NodeInfo } from "../../src/messages/inspection.ts";
import { Scroll } from "../shared/scroll.tsx";
import { plural, shown } from "../shared/text.ts";
import type { Connection, Model } from "./model.ts";

const CONNECTIONS: Readonly<Record<Connection, string>> = {
  connecting: "connecting …",
  live: "live",
  lost: "connection lost, trying again; what you see is old",
  login: "a token is needed",
};

/** Who is there, and whether what is shown is true. */
export function Header({ model }: { readonly model: Model }) {
  const { connection, nodes, actors, dropped, refused } = model;
  const lost = nodes.reduce((sum, node) => sum + node.dropped, 0);
  return (
    <header>
      <h1>
        <img src="/inspect/assets/icon.svg" alt="" width="22" height="22" /> Batuta{" "}
        <span>actors</span>
      </h1>
      <p class={`connection ${connection}`} role="status">
        {CONNECTIONS[connection]}
      </p>
      <p class="counts">
        {plural(actors.size, "actor")} in {plural(nodes.length, "process", "processes")}
      </p>
      {lost + dropped > 0 && (
        <p
          class="dropped"
          title="They came faster than they could be sent or read. States are right all the same."
        >
          {plural(lost + dropped, "record")} dropped
        </p>
      )}
      {refused !== undefined && <p class="dropped">{shown(refused)}</p>}
      <Nodes nodes={nodes} />
    </header>
  );
}

function Nodes({ nodes }: { readonly nodes: readonly NodeInfo[] }) {
  return (
    <details class="nodes">
      <summary>processes</summary>
      <Scroll label="Processes">
        <table>
          <thead>
            <tr>
              <th scope="col">process</th>
              <th scope="col">kind</th>
              <th scope="col">host</th>
              <th scope="col">pid</th>
              <th scope="col">actors</th>
              <th scope="col">dropped</th>
            </tr>
          </thead>
          <tbody>
            {nodes.map((node) => (
              <tr key={node.node}>
                <td>
                  <bdi>{shown(node.node)}</bdi>
                </td>
                <td>{shown(node.kind)}</td>
                <td>
                  <bdi>{shown(node.hostname)}</bdi>
                </td>
                <td class="number">{node.pid}</td>
                <td class="number">{node.actors}</td>
                <td class="number">{node.dropped}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Scroll>
    </details>
  );
}
