const resource = (name: string, kind: string, verbs: string, more: object = {}) => ({
  name,
  singularName: "",
  namespaced: true,
  kind,
  verbs: verbs.split(" "),
  ...more,
});

const group = (name: string, version: string) => {
  const versions = { groupVersion: `${name}/${version}`, version };
  return { name, versions: [versions], preferredVersion: versions };
};

const resources = (groupVersion: string, list: object[]) => ({
  kind: "APIResourceList",
  apiVersion: "v1",
  groupVersion,
  resources: list,
});

/** What an API server tells of itself, as kubectl asks for it before all else. */
export const DISCOVERY: Readonly<Record<string, unknown>> = {
  "/api": { kind: "APIVersions", versions: ["v1"], serverAddressByClientCIDRs: [] },
  "/apis": {
    kind: "APIGroupList",
    apiVersion: "v1",
    groups: [group("apps", "v1"), group("autoscaling", "v2")],
  },
  "/api/v1": resources("v1", [resource("pods", "Pod", "get list patch")]),
  "/apis/apps/v1": resources("apps/v1", [
    resource("deployments", "Deployment", "get list"),
    resource("deployments/scale", "Scale", "get patch update", {
      group: "autoscaling",
      version: "v1",
    }),
  ]),
  "/apis/autoscaling/v2": resources("autoscaling/v2", [
    resource("horizontalpodautoscalers", "HorizontalPodAutoscaler", "list"),
  ]),
};
