// How many connections a process may have descriptors for, and in how many tables: the limit is that of one.
import { canHaveTables } from "./own-table/own-table.ts";
import { defaultForm, socketsOf, type SocketSystem } from "./sockets/of-form.ts";
import type { StreamForm } from "./sockets/sockets.ts";

/** The client's socket and the server's. */
const PER_FLOW = 2;
/** What the rest of the process needs: pipes, files, libraries. */
const BESIDE = 512;
/** What a relay needs with a table of its own: pipes, and what the run-time waits with. */
const BESIDE_OWN = 256;
/** Each is a thread. */
const TABLES_MAX = 8;

/** Flows at a time that there can be descriptors for. */
export interface Affordable {
  readonly flows: number;
  /** Tables that they are spread over; undefined: the process' own has room for all. */
  readonly tables: number | undefined;
}

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
 * be, and shared; where it is too low, each relay of the native form has tables of its own.
 */
export function affordableFlows(wanted: number, { relays, beside = 0, form, system }: DescriptorShares): Affordable {
  const others = BESIDE + beside;
  const own = form ?? defaultForm();
  const limit = socketsOf(own, system).raiseFileLimit(wanted * PER_FLOW * relays + others);
  return shareOut(wanted, limit, others, () => own === "native" && canHaveTables());
}

/** As above, of a limit that is known. */
export function shareOut(wanted: number, limit: number, others: number, hasTables: () => boolean): Affordable {
  // One family may have them all: few machines use both alike. What is not there is refused and counted.
  const shared = Math.max(1, Math.floor((limit - others) / PER_FLOW));
  if (wanted <= shared) return { flows: wanted, tables: undefined };
  const each = Math.floor((limit - BESIDE_OWN) / PER_FLOW);
  if (each < 1 || !hasTables()) return { flows: shared, tables: undefined };
  const tables = Math.min(TABLES_MAX, Math.ceil(wanted / each));
  return { flows: Math.min(wanted, tables * each), tables };
}
