/** What `POST /containers/create` is given. */
export interface Spec {
  readonly Image: string;
  readonly Cmd: readonly string[];
  readonly Env: readonly string[];
  readonly Labels: Readonly<Record<string, string>>;
  readonly StopTimeout: number;
  readonly HostConfig: { readonly NetworkMode?: string };
}

export interface FakeContainer {
  readonly id: string;
  readonly name: string;
  readonly spec: Spec;
  readonly created: number;
  state: "created" | "running" | "exited";
  exitCode: number;
  /** How long it was given by those who told it to stop, in seconds. */
  readonly stops: (string | null)[];
}

/** What is answered; "hang": nothing, ever. */
export type Fault = "hang" | { readonly status: number; readonly text: string };

/** Filters come as `{label: ["k=v"]}`, and from the docker command as `{label: {"k=v": true}}`. */
export function wanted(query: URLSearchParams, key: string): readonly string[] {
  const filters = JSON.parse(query.get("filters") ?? "{}") as Record<string, string[] | object>;
  const found = filters[key] ?? [];
  return Array.isArray(found) ? found : Object.keys(found);
}

export function isLabelled({ Labels }: Spec, label: string): boolean {
  const [key = "", value] = label.split("=");
  return value === undefined ? key in Labels : Labels[key] === value;
}

export function listed({ id, name, spec, created, state, exitCode }: FakeContainer): object {
  const status = {
    created: "Created",
    running: "Up 3 seconds",
    exited: `Exited (${exitCode}) 1 second ago`,
  };
  return {
    Id: id,
    Names: [`/${name}`],
    Image: spec.Image,
    ImageID: `sha256:${id}`,
    Command: spec.Cmd.join(" "),
    Created: created,
    Ports: [],
    Labels: spec.Labels,
    State: state,
    Status: status[state],
    HostConfig: { NetworkMode: "default" },
    NetworkSettings: { Networks: {} },
    Mounts: [],
  };
}

export function inspected({ id, name, spec, created, state, exitCode }: FakeContainer): object {
  const Running = state === "running";
  return {
    Id: id,
    Name: `/${name}`,
    Created: new Date(created * 1_000).toISOString(),
    State: { Status: state, Running, ExitCode: exitCode },
    Config: spec,
    HostConfig: spec.HostConfig,
  };
}

export function ok(value: object): Fault {
  return { status: 200, text: JSON.stringify(value) };
}

export function refused(status: number, message: string): Fault {
  return { status, text: JSON.stringify({ message }) };
}
