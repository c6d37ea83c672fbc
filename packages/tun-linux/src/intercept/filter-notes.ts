// What a reverse-path filter was before it was loosened, noted in the system itself: a policy rule that does nothing,
// for packets that come in by the interface, with what the filter was in the place of a mark. It stays when a process
// is killed, it is there for the next one whatever became of the state file, and it goes with the network namespace.
import type { RouteNetlink } from "../netcfg/route-netlink.ts";
import type { RuleInfo, RuleSpec } from "../netcfg/rules.ts";
import { ifThere } from "./if-there.ts";
import { isMarkedOurs, rulesOf } from "./left-rules.ts";
import { OUR_PROTOCOL, PRIORITY_NOTE } from "./marks.ts";
import { LOOSE } from "./reverse-path.ts";
import type { SavedFilter } from "./state.ts";

/** A filter is 0, 1 or 2 (ip-sysctl: rp_filter). */
const FILTER_MASK = 3;

/** The rule that says what a filter was. */
export function noteOf({ interfaceName, before }: SavedFilter): RuleSpec {
  const what = { family: 4, priority: PRIORITY_NOTE, type: "nop", protocol: OUR_PROTOCOL } as const;
  return { ...what, inInterface: interfaceName, mark: before, mask: FILTER_MASK };
}

/** The filters that the system's rules speak of. */
export function notedFilters(netlink: RouteNetlink): SavedFilter[] {
  return rulesOf(netlink, 4).flatMap((rule) => filterOf(rule) ?? []);
}

/** Makes the notes those of these filters. */
export function noteFilters(netlink: RouteNetlink, filters: readonly SavedFilter[]): void {
  const noted = notedFilters(netlink);
  const lacks = (list: readonly SavedFilter[], filter: SavedFilter): boolean =>
    !list.some((other) => other.interfaceName === filter.interfaceName && other.before === filter.before);
  for (const filter of filters) if (lacks(noted, filter)) netlink.addRule(noteOf(filter));
  for (const filter of noted) if (lacks(filters, filter)) ifThere(() => netlink.removeRule(noteOf(filter)));
}

function filterOf(rule: RuleInfo): SavedFilter | undefined {
  const { type, priority, inInterface, mark } = rule;
  if (type !== "nop" || priority !== PRIORITY_NOTE || !isMarkedOurs(rule)) return undefined;
  if (inInterface === undefined || mark === undefined) return undefined;
  return { interfaceName: inInterface, before: mark, ours: LOOSE };
}
