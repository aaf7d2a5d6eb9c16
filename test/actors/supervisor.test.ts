import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import {
  type SupervisorContext,
  type SupervisorEffects,
  type SupervisorEvent,
  supervisorWith,
} from "../../actors/index.ts";
import type { ActorRef } from "../../src/kernel/actor.ts";
import { Kernel } from "../../src/kernel/kernel.ts";
import { VirtualClock } from "../../src/kernel/virtual-clock.ts";

let clock: VirtualClock;
let did: string[];
let supervisor: ActorRef<SupervisorEvent, SupervisorContext>;

beforeEach(() => begin());

function begin(effects: Partial<SupervisorEffects> = {}): void {
  clock = new VirtualClock(1_000_000);
  did = [];
  const note = (name: string) => () => void did.push(name);
  const machine = supervisorWith({
    recover: note("recover"),
    resync: note("resync"),
    openDispatch: note("openDispatch"),
    closeDispatch: note("closeDispatch"),
    lead: note("lead"),
    follow: note("follow"),
    freezeVerdicts: ({ reason, forMs }) => void did.push(`freeze ${reason} ${forMs}`),
    thawVerdicts: note("thaw"),
    settle: (reason) => void did.push(`settle ${reason}`),
    release: note("release"),
    effectFailed: (effect, error) => void did.push(`failed ${effect}: ${String(error)}`),
    ...effects,
  });
  const input = { orchestratorId: "o1", now: () => clock.now() };
  supervisor = new Kernel({ clock }).start({ address: "supervisor", machine, input });
}

function send(...events: readonly (SupervisorEvent | SupervisorEvent["type"])[]): void {
  for (const event of events) supervisor.send(eventOf(event));
}

function eventOf(event: SupervisorEvent | SupervisorEvent["type"]): SupervisorEvent {
  if (typeof event !== "string") return event;
  return { type: event, reason: `test ${event}` } as SupervisorEvent;
}

/** The three regions, or the state outside of serving. */
function state(): string {
  return supervisor.snapshot().state.replaceAll(/serving\.\w+\./g, "");
}

/** What was done since the last time it was asked. */
function done(): string[] {
  return did.splice(0);
}

describe("starting", () => {
  test("recovers first, then dispatches without leading", () => {
    expect(done()).toEqual(["recover"]);
    send("ready");
    expect(state()).toBe("standby running certain");
    expect(done()).toEqual(["openDispatch"]);
  });

  test("a lease, a pause and a lost bus that came meanwhile are not forgotten", () => {
    send("leaseAcquired", "pause", "ready");
    expect(state()).toBe("leading paused certain");
    expect(did).toEqual(["recover", "lead"]);

    begin();
    send("busLost", "ready");
    expect(state()).toBe("standby cut doubting");
    expect(did).not.toContain("openDispatch");
  });

  test("that fails ends it", () => {
    send("startFailed");
    expect(supervisor.snapshot()).toMatchObject({
      status: "done",
      output: { reason: "start-failed", text: "test startFailed" },
    });
    expect(done()).toEqual(["recover", "release"]);
  });
});

describe("the role", () => {
  test("follows the lease", () => {
    send("ready", "leaseAcquired");
    expect(state()).toBe("leading running certain");
    expect([...supervisor.snapshot().tags].sort()).toEqual([
      "certain",
      "dispatching",
      "leader",
      "serving",
    ]);
    send("leaseLost", "leaseLost");
    expect(state()).toBe("standby running certain");
    expect(did).toEqual(["recover", "openDispatch", "lead", "follow"]);
  });

  test("is given up with the bus, and does not come back by itself", () => {
    send("ready", "leaseAcquired", "busLost", "leaseAcquired", "busBack");
    expect(state()).toBe("standby running doubting");
    send("leaseAcquired");
    expect(state()).toBe("leading running doubting");
  });
});

describe("dispatch", () => {
  test("the gravest obstacle counts, and those behind it are remembered", () => {
    send("ready", "saturated");
    expect(state()).toContain("saturated");
    send("pause");
    expect(state()).toContain("paused");
    send("busLost");
    expect(state()).toContain("cut");
    send("busBack");
    expect(state()).toContain("paused");
    send("resume");
    expect(state()).toContain("saturated");
    send("relieved");
    expect(state()).toContain("running");
  });

  test("is opened and closed in turns, whatever comes", () => {
    const events = fc.constantFrom<SupervisorEvent["type"]>(
      "pause",
      "resume",
      "saturated",
      "relieved",
      "busLost",
      "busBack",
      "leaseAcquired",
      "leaseLost",
      "doubt",
    );
    const step = fc.oneof(events, fc.integer({ min: 1, max: 40_000 }));
    const property = fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      begin();
      send("ready");
      for (const each of steps) typeof each === "number" ? clock.advance(each) : send(each);
      const { tags, context } = supervisor.snapshot();
      expect(alternates("openDispatch", "closeDispatch")).toBe(tags.has("dispatching"));
      expect(alternates("lead", "follow")).toBe(tags.has("leader"));
      expect(clock.pending).toBe(tags.has("certain") ? 0 : 1);
      expect(tags.has("leader") && !context.connected).toBe(false);
      send("stop", "drained");
      expect(clock.pending).toBe(0);
      expect(done().slice(-2)).toEqual(["settle test stop", "release"]);
    });
    fc.assert(property, { numRuns: 300 });
  });
});

/** Whether the first is in force, after it and the second came strictly in turns. */
function alternates(on: string, off: string): boolean {
  const turns = did.filter((name) => name === on || name === off);
  turns.forEach((name, i) => {
    expect(name).toBe(i % 2 === 0 ? on : off);
  });
  return turns.at(-1) === on;
}

describe("self-doubt", () => {
  beforeEach(() => {
    send("ready");
    done();
  });

  test("freezes verdicts for 5 s", () => {
    send("doubt");
    expect(done()).toEqual(["freeze test doubt 10000"]);
    clock.advance(4_999);
    expect(state()).toBe("standby running doubting");
    clock.advance(1);
    expect(state()).toBe("standby running certain");
    expect(done()).toEqual(["thaw"]);
  });

  test("lasts as long as it is said again, and the freeze is renewed in time", () => {
    send("doubt");
    for (let i = 0; i < 4; i++) {
      clock.advance(4_000);
      send("doubt");
    }
    expect(state()).toContain("doubting");
    expect(done().length).toBe(4);
    clock.advance(5_000);
    expect(state()).toContain("certain");
  });

  test("cannot last for ever: after 30 s comes trust for 15 s", () => {
    const sayFor = (seconds: number) => {
      for (let i = 0; i < seconds; i++) {
        send("doubt");
        clock.advance(1_000);
      }
    };
    sayFor(30);
    expect(state()).toContain("certain");
    sayFor(15);
    expect(state()).toContain("certain");
    sayFor(1);
    expect(state()).toContain("doubting");
  });

  test("lasts through a lost bus, however long, and 5 s after the reconnect", () => {
    send("busLost");
    for (let minute = 0; minute < 10; minute++) {
      clock.advance(60_000);
      expect(state()).toBe("standby cut doubting");
      expect(done().length).toBeGreaterThanOrEqual(12);
    }
    send("busBack");
    expect(done()).toEqual(["resync", "freeze the bus connection was lost 10000", "openDispatch"]);
    clock.advance(4_999);
    expect(state()).toContain("doubting");
    clock.advance(1);
    expect(state()).toContain("certain");
  });

  test("a lost bus is believed even in the time of trust", () => {
    for (let i = 0; i < 30; i++) {
      send("doubt");
      clock.advance(1_000);
    }
    send("busLost");
    expect(state()).toContain("doubting");
  });
});

describe("stopping", () => {
  test("stops leading and dispatching, settles, releases, ends", () => {
    send("ready", "leaseAcquired");
    done();
    send("stop");
    expect(state()).toBe("stopping");
    expect(done()).toEqual(["closeDispatch", "follow", "settle test stop"]);
    send("stop", "leaseAcquired", "busLost");
    expect(state()).toBe("stopping");
    send("drained");
    expect(supervisor.snapshot().output).toEqual({ reason: "drained", text: "test stop" });
    expect(done()).toEqual(["release"]);
  });

  test("has a time limit", () => {
    send("ready", "stop");
    clock.advance(30_000);
    expect(supervisor.snapshot()).toMatchObject({ status: "done", output: { reason: "timeout" } });
  });

  test("is possible before it has started", () => {
    send("stop", "drained");
    expect(supervisor.snapshot().status).toBe("done");
  });
});

test("an effect that throws is reported, and the supervisor goes on", () => {
  begin({
    lead: () => {
      throw new Error("no connection");
    },
  });
  send("ready", "leaseAcquired");
  expect(state()).toBe("leading running certain");
  expect(did).toContain("failed lead: Error: no connection");
});
