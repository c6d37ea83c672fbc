// How many connections a process may have descriptors for.
import { defaultForm, socketsOf, type SocketSystem } from "./sockets/of-form.ts";
import type { StreamForm } from "./sockets/sockets.ts";

/** The client's socket and the server's. */
const PER_FLOW = 2;
/** What the rest of the process needs: pipes, files, libraries. */
const BESIDE = 512;

/** Who else has descriptors, and whose limits they are. */
export interface DescriptorShares {
  /** How many relays share them. */
  readonly relays: number;
  /** Descriptors that others of the process are going to have. Default 0. */
  readonly beside?: number;
  /** See `RelayOptions`. */
  readonly form?: StreamForm;
  readonly system?: SocketSystem;
}

/**
 * Flows that each of several relays may have at a time, of those wanted: the process' limit is raised as far as it may
 * be, and shared.
 */
export function affordableFlows(wanted: number, { relays, beside = 0, form, system }: DescriptorShares): number {
  const others = BESIDE + beside;
  const sockets = socketsOf(form ?? defaultForm(), system);
  const limit = sockets.raiseFileLimit(wanted * PER_FLOW * relays + others);
  // One family may have them all: few machines use both alike. What is not there is refused and counted.
  return Math.max(1, Math.min(wanted, Math.floor((limit - others) / PER_FLOW)));
}
