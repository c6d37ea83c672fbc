// How many connections a process may have descriptors for.
import { raiseFileLimit } from "./sys.ts";

/** The client's socket and the server's. */
const PER_FLOW = 2;
/** What the rest of the process needs: pipes, files, libraries. */
const BESIDE = 512;

/**
 * Flows that each of several relays may have at a time, of those wanted: the process' limit is raised as far as it may
 * be, and shared.
 * @param beside descriptors that others of the process are going to have
 */
export function affordableFlows(wanted: number, relays: number, beside = 0): number {
  const others = BESIDE + beside;
  const limit = raiseFileLimit(wanted * PER_FLOW * relays + others);
  // One family may have them all: few machines use both alike. What is not there is refused and counted.
  return Math.max(1, Math.min(wanted, Math.floor((limit - others) / PER_FLOW)));
}
