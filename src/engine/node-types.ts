import type { NodeType } from "./define-node.ts";
import { dataFilter } from "./nodes/data-filter.ts";
import { dataMap } from "./nodes/data-map.ts";
import { delay } from "./nodes/delay.ts";
import { fail } from "./nodes/fail.ts";
import { httpRequest } from "./nodes/http-request.ts";
import { ifNode } from "./nodes/if.ts";
import { log } from "./nodes/log.ts";
import { merge } from "./nodes/merge.ts";
import { noop } from "./nodes/noop.ts";
import { set } from "./nodes/set.ts";

/** The node types that a flow is checked against. */
export interface NodeCatalog {
  readonly names: readonly string[];
  /** Whether a type of that name exists somewhere. */
  has(name: string): boolean;
  /** The type itself; undefined where only its name is known. */
  get(name: string): NodeType | undefined;
}

/** The types that every worker has. */
export const coreNodeTypeList: readonly NodeType[] = [
  set,
  dataFilter,
  dataMap,
  ifNode,
  merge,
  delay,
  log,
  noop,
  httpRequest,
  fail,
];

/**
 * A catalog of node types that can be run here.
 * @throws Error when two of them have the same name.
 */
export function nodeTypes(list: readonly NodeType[]): NodeCatalog {
  const byName = new Map<string, NodeType>();
  for (const nodeType of list) {
    if (byName.has(nodeType.type)) throw new Error(`node type "${nodeType.type}" is defined twice`);
    byName.set(nodeType.type, nodeType);
  }
  return {
    names: [...byName.keys()],
    has: (name) => byName.has(name),
    get: (name) => byName.get(name),
  };
}

/**
 * A catalog that also knows types by name only, such as those that other workers announce: their
 * configs, ports and effects are taken on trust.
 */
export function withTypeNames(catalog: NodeCatalog, names: Iterable<string>): NodeCatalog {
  const known = new Set([...catalog.names, ...names]);
  return { names: [...known], has: (name) => known.has(name), get: (name) => catalog.get(name) };
}

export const coreNodeTypes: NodeCatalog = nodeTypes(coreNodeTypeList);
