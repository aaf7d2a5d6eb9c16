import type { Msg, Subscription } from "nats";
import type { Bus } from "../../bus/connect.ts";
import { BatutaError, InvalidInputError } from "../../domain/errors.ts";
import { type ScalingAnswer, scalingRequest } from "../../messages/scaling.ts";
import type { Autoscaling } from "./autoscaling.ts";

/** Answers `supervisor.scaling`. Only the leader listens there, so that one answers. */
export function answerScaling(
  { nc, names }: Pick<Bus, "nc" | "names">,
  scaling: Pick<Autoscaling, "change" | "view">,
): Subscription {
  return nc.subscribe(names.scaling, {
    callback: (error, msg) => {
      if (error === null) void answer(msg, scaling).then((reply) => void msg.respond(reply));
    },
  });
}

async function answer(msg: Msg, scaling: Pick<Autoscaling, "change" | "view">): Promise<string> {
  return JSON.stringify(await changed(msg, scaling).catch(refusal));
}

async function changed(
  msg: Msg,
  scaling: Pick<Autoscaling, "change" | "view">,
): Promise<ScalingAnswer> {
  const change = msg.data.length === 0 ? {} : scalingRequest.decode(msg.data);
  if (Object.keys(change).length > 0) await scaling.change(change);
  return { ok: true, scaling: scaling.view };
}

function refusal(error: unknown): ScalingAnswer {
  const isInvalid = error instanceof InvalidInputError;
  const problems = error instanceof BatutaError ? error.problems : [];
  const code = isInvalid ? "INVALID" : "UNREACHABLE";
  return { ok: false, code, error: (error as Error).message, problems };
}
