import { type Assignment, isForwarded, type Task } from "../bus/assignments.ts";
import type { Bus } from "../bus/connect.ts";
import { readLaneMessage } from "../bus/lane-messages.ts";
import { readBody } from "./running-task.ts";
import { deadlineOf } from "./task-facts.ts";

/**
 * Everything about an assigned task. Where the server delivered the message straight to the worker it
 * is read from its lane now: only what fails needs it. Undefined when the message has been acked,
 * which means that somebody has seen to it.
 */
export async function wholeTask(
  bus: Bus,
  assignment: Assignment,
  maxAttempts: number,
): Promise<Task | undefined> {
  if (isForwarded(assignment)) return assignment.task;
  const { task } = assignment;
  const message = await readLaneMessage(bus, task.message);
  if (message === undefined) return undefined;
  const body = readBody(message.data);
  return {
    ...task,
    message,
    nodeTypes: [],
    maxAttempts: body?.maxAttempts ?? maxAttempts,
    deadline: deadlineOf(message, body),
    history: [],
  };
}
