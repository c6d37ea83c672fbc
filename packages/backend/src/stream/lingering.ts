// Ports of connections that sockets carry by rules which are gone: their packets come up until the last has ended, so
// that each ends as its two ends want it. What else goes to these ports passes as packets meanwhile.
import type { Selection } from "@bunnel/device";

type Ports = readonly number[] | undefined;

/** What still comes up of selections that are not in force any more. */
export interface Lingering {
  readonly stream: Ports;
  readonly queries: Ports;
  /** Where queries were taken: those of the network's own server go by this. */
  readonly dns: Ports;
}

/** The selection, and what lingers beside it. */
export function widened(select: Selection, lingering: Lingering | undefined): Selection {
  if (lingering === undefined) return select;
  const stream = union(select.stream, lingering.stream);
  const queries = union(select.queries, lingering.queries);
  const dns = lingering.queries === undefined ? select.dns : (select.dns ?? lingering.dns);
  return {
    ...select,
    ...(stream && { stream }),
    ...(queries && { queries }),
    ...(queries && dns && { dns, dnsOfNetwork: true }),
  };
}

/** What lingers of a selection in force when another one takes its place; undefined: nothing that the other has not. */
export function lingeringOf(before: Selection, next: Selection): Lingering | undefined {
  const stream = missing(before.stream, next.stream);
  const queries = missing(before.queries, next.queries);
  return stream === undefined && queries === undefined ? undefined : { stream, queries, dns: before.dns };
}

/** Of ports none means any. */
function union(a: Ports, b: Ports): Ports {
  if (a === undefined || b === undefined) return a ?? b;
  return a.length === 0 || b.length === 0 ? [] : [...new Set([...a, ...b])].toSorted((x, y) => x - y);
}

/** Those of the first, where it has some that the second has not. */
function missing(a: Ports, b: Ports): Ports {
  if (a === undefined || (b !== undefined && b.length === 0)) return undefined;
  return a.length > 0 && b !== undefined && a.every((port) => b.includes(port)) ? undefined : a;
}
