import { expect, test } from "vitest";
import { LoadGauge, type LoadSample } from "../../src/domain/load-gauge.ts";

/** One sample a second; `each` says what is different from an idle fleet of 8 usable slots. */
function gaugeOf(seconds: number, each: (second: number) => Partial<LoadSample>): LoadGauge {
  const gauge = new LoadGauge();
  for (let second = 0; second <= seconds; second += 1) {
    const idle = { at: second * 1_000, arrived: 0, ended: 0, inFlight: 0, usableSlots: 8 };
    gauge.add({ ...idle, ...each(second) });
  }
  return gauge;
}

test("executions that come in are counted per second of the last minute", () => {
  const steady = gaugeOf(300, (second) => ({ arrived: second * 20 }));
  expect(steady.read().arrivalsPerS).toBeCloseTo(20);
  const over = gaugeOf(300, (second) => ({ arrived: Math.min(second, 100) * 20 }));
  expect(over.read().arrivalsPerS).toBe(0);
  const burst = gaugeOf(3, (second) => ({ arrived: second > 0 ? 600 : 0 }));
  expect(burst.read().arrivalsPerS).toBe(10);
});

test("how long a task keeps a slot follows from the slots in use and the tasks that ended", () => {
  const gauge = gaugeOf(5, (second) => ({ inFlight: 8, ended: second * 160 }));
  expect(gauge.read().meanServiceMs).toBeCloseTo(50);
});

test("while none has ended it is unknown, and after half a minute it is at least so long", () => {
  const early = gaugeOf(5, () => ({ inFlight: 8 }));
  expect(early.read().meanServiceMs).toBeNull();
  const late = gaugeOf(40, () => ({ inFlight: 8 }));
  expect(late.read().meanServiceMs).toBe(40_000);
});

test("an idle fleet still knows how long tasks took", () => {
  const gauge = gaugeOf(10, (second) => ({ inFlight: 8, ended: second * 160 }));
  gauge.read();
  for (let second = 11; second < 200; second += 1)
    gauge.add({ at: second * 1_000, arrived: 0, ended: 1_600, inFlight: 0, usableSlots: 8 });
  expect(gauge.read().meanServiceMs).toBeCloseTo(50, -1);
});

test("the load is that of the last ten seconds, and none without slots", () => {
  const gauge = gaugeOf(60, (second) => ({ inFlight: second > 50 ? 6 : 0 }));
  expect(gauge.read()).toMatchObject({ meanLoad: 0.75, load: 0.75 });
  gauge.add({ at: 61_000, arrived: 0, ended: 0, inFlight: 0, usableSlots: 8 });
  expect(gauge.read()).toMatchObject({ meanLoad: 0.675, load: 0 });
  expect(gaugeOf(5, () => ({ usableSlots: 0 })).read().meanLoad).toBeNull();
  expect(new LoadGauge().read()).toEqual({
    arrivalsPerS: 0,
    meanServiceMs: null,
    meanLoad: null,
    load: null,
  });
});
