// What a fuzzer runs inputs against.
import type { FuzzInput } from "./input.ts";
import type { ProbeScan } from "./probe-scan.ts";

export interface FuzzTarget {
  readonly name: string;
  /** Probes that the code has. */
  readonly probeCount: number;
  /** The probes' counters; a multiple of sixteen bytes. Cleared by who reads them. */
  readonly counters: Uint8Array;
  /** Finds counters that are not zero, where there is something faster than a loop. */
  readonly scan?: ProbeScan;
  /** One execution from a fresh state: the same input gives the same result. @throws Error for a trap or broken law */
  run(input: FuzzInput): void;
  /** Laws that are too dear for every execution; asked for what reached something new, and for a sample of the rest. */
  confirm?(input: FuzzInput): void;
}

/** A law that the engine broke, as opposed to a trap inside of it. */
export class BrokenLaw extends Error {
  override readonly name = "BrokenLaw";
}

/** @throws BrokenLaw unless it holds */
export function law(holds: boolean, message: () => string): void {
  if (!holds) throw new BrokenLaw(message());
}
