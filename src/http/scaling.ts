import { scalingRequest } from "../messages/scaling.ts";
import type { Call, Route } from "./call.ts";
import type { OrchestratorPort } from "./port.ts";

type ScalingPort = Pick<OrchestratorPort, "scaling">;

/** `GET /scaling`, which KEDA may read as it is, and `PUT /scaling`. */
export function scalingRoutes(port: ScalingPort): readonly Route[] {
  return [
    {
      method: "GET",
      path: "/scaling",
      handle: async () => ({ status: 200, body: await port.scaling() }),
    },
    {
      method: "PUT",
      path: "/scaling",
      handle: async (call: Call) => {
        const change = scalingRequest.decode(await call.body());
        return { status: 200, body: await port.scaling(change) };
      },
    },
  ];
}
