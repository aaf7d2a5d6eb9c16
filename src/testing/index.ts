/** For tests of programs that use Batuta: time that is moved by hand. */
export type { Clock, TimerId } from "../kernel/clock.ts";
export { VirtualClock } from "../kernel/virtual-clock.ts";
