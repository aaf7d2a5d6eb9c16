import { parentPort, workerData } from "node:worker_threads";
import elkModule from "elkjs/lib/elk.bundled.js";
import type { ELK, ElkNode } from "elkjs/lib/elk-api.js";

/**
 * The entry point of a thread that lays out one chart and ends. The layout library takes tens of
 * megabytes that the process of an orchestrator gets back that way.
 */
const Elk = elkModule as unknown as new () => ELK;
parentPort?.postMessage(await new Elk().layout(workerData as ElkNode));
