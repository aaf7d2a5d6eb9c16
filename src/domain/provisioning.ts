/** What can start and stop workers (docs/scaling.md). */
export const PROVISIONER_KINDS = ["process", "docker", "kubernetes", "keda", "none"] as const;
export type ProvisionerKind = (typeof PROVISIONER_KINDS)[number];

/** The label of a worker that a provisioner has started, and may retire: `provisioner=<kind>`. */
export const PROVISIONER_LABEL = "provisioner";
