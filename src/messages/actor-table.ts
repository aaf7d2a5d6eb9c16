import {
  type ActorRecord,
  actorKey,
  type InspectionListener,
  type MachineDefinition,
  type NodeInfo,
} from "./inspection.ts";
import { isNewer, withContext } from "./newer.ts";

/** The tag of a supervisor that holds the lease. */
const LEADS = "leader";

/**
 * All actors as a watcher knows them: to be given to an `InspectionSource`, which fills it. Of each
 * actor it keeps the newest record; what a node has told is forgotten when the node is gone.
 */
export class ActorTable implements InspectionListener {
  readonly #actors = new Map<string, ActorRecord>();
  readonly #machines = new Map<string, MachineDefinition>();
  readonly #nodes = new Map<string, NodeInfo>();

  readonly record = (record: ActorRecord): void => {
    const key = actorKey(record);
    const known = this.#actors.get(key);
    if (known === undefined || isNewer(record, known))
      this.#actors.set(key, withContext(record, known));
  };

  readonly machine = (machine: MachineDefinition): void => {
    this.#machines.set(machine.hash, machine);
  };

  readonly node = (node: NodeInfo): void => {
    this.#nodes.set(node.node, node);
  };

  readonly nodeGone = (node: string): void => {
    this.#nodes.delete(node);
    for (const [key, record] of this.#actors) if (record.node === node) this.#actors.delete(key);
  };

  readonly gone = (node: string, address: string): void => {
    this.#actors.delete(actorKey({ node, address }));
  };

  /** Those of nodes that answer: the bucket may hold what a dead process has left behind. By address, then node. */
  actors(): readonly ActorRecord[] {
    const live = [...this.#actors.values()].filter(({ node }) => this.#nodes.has(node));
    return live.sort(byAddress);
  }

  nodes(): readonly NodeInfo[] {
    return [...this.#nodes.values()].sort((a, b) => compare(a.node, b.node));
  }

  /** By its hash. */
  machineOf(hash: string): MachineDefinition | undefined {
    return this.#machines.get(hash);
  }

  machines(): readonly MachineDefinition[] {
    return [...this.#machines.values()].sort((a, b) => compare(a.id, b.id));
  }
}

/** The node of the orchestrator that leads, by what its supervisor says; undefined while none does. */
export function leaderOf(records: Iterable<ActorRecord>): string | undefined {
  let leader: ActorRecord | undefined;
  for (const record of records) if (leads(record) && isLater(record, leader)) leader = record;
  return leader?.node;
}

/** Of one that leads; a late record of one that did is told apart by its time. */
export function leads({ machineId, tags, status }: ActorRecord): boolean {
  return machineId === "supervisor" && status === "active" && tags.includes(LEADS);
}

/** Several views of one actor, the best first: that of the node that leads, then the newest. */
export function bestFirst(
  views: readonly ActorRecord[],
  leader: string | undefined,
): readonly ActorRecord[] {
  const rank = ({ node }: ActorRecord) => (node === leader ? 0 : 1);
  return [...views].sort((a, b) => rank(a) - rank(b) || compare(b.at, a.at));
}

function isLater(record: ActorRecord, other: ActorRecord | undefined): boolean {
  return other === undefined || record.at > other.at;
}

function byAddress(a: ActorRecord, b: ActorRecord): number {
  return compare(a.address, b.address) || compare(a.node, b.node);
}

/** By code units, on every machine alike: a cursor depends on it. */
function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
