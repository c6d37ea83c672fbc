// Which is quicker on this machine: a system call for each packet, or the rings? The rings save the way into the kernel
// and back, and cost work of their own for each operation. What that way costs is a matter of the processor and of what
// the kernel guards it against: a read that finds nothing cost a third of a call by the rings on one machine, and 1.7
// calls on another.
import { RING_ENTRIES, RING_READ, type Submissions } from "./ring.ts";
import type { PumpCalls } from "./sys.ts";

/** Each in turn, so that what disturbs one disturbs the other. */
const ROUNDS = 12;
const OCTETS = 8;

/** What a read takes that finds nothing, nanoseconds: the least of some rounds. */
export interface Trial {
  readonly callNs: number;
  readonly ringNs: number;
}

/**
 * Takes one to two milliseconds.
 * @param eventFd a non-blocking eventfd(2) that nobody raises
 * @param base the rings' memory's address
 * @param at eight octets of it, which stay as they are
 */
export function tryReads(calls: PumpCalls, ring: Submissions, eventFd: number, base: number, at: number): Trial {
  let callNs = Number.POSITIVE_INFINITY;
  let ringNs = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round++) {
    // Before the clock: compiled, it is a fiftieth of the rest, and here it is not compiled yet.
    for (let i = 0; i < RING_ENTRIES; i++) ring.put(RING_READ, eventFd, at, OCTETS);
    const startNs = Bun.nanoseconds();
    ring.submit();
    const submittedNs = Bun.nanoseconds();
    for (let i = 0; i < RING_ENTRIES; i++) calls.read(eventFd, base + at, OCTETS);
    ringNs = Math.min(ringNs, (submittedNs - startNs) / RING_ENTRIES);
    callNs = Math.min(callNs, (Bun.nanoseconds() - submittedNs) / RING_ENTRIES);
  }
  return { callNs, ringNs };
}

/** Why calls are preferred, in words; empty: the rings are quicker. */
export function whyCalls({ callNs, ringNs }: Trial): string {
  if (ringNs < callNs) return "";
  return `plain calls are quicker here: ${callNs.toFixed(0)} ns, io_uring ${ringNs.toFixed(0)} ns`;
}
