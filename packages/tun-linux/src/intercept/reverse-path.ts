// The reverse-path filter of an interface (ip-sysctl: rp_filter): 0 off, 1 strict, 2 loose. Strict, it drops the
// answers to connections whose packets the routing table sends into our device. The larger of the values of "all" and
// of the interface counts.
import { readFileSync, writeFileSync } from "node:fs";
import type { SavedFilter } from "./state.ts";

const STRICT = 1;
/** What a strict one is set to. */
export const LOOSE = 2;

function filterPath(interfaceName: string): string {
  return `/proc/sys/net/ipv4/conf/${interfaceName}/rp_filter`;
}

/** The interface's own value; undefined where there is no such interface. */
export function readFilter(interfaceName: string): number | undefined {
  try {
    return Number(readFileSync(filterPath(interfaceName), "utf8"));
  } catch {
    return undefined;
  }
}

/** What has to change so that answers arrive at these interfaces; nothing is changed yet. */
export function filtersToLoosen(interfaceNames: readonly string[]): SavedFilter[] {
  const all = readFilter("all") ?? 0;
  const filters: SavedFilter[] = [];
  for (const interfaceName of interfaceNames) {
    const before = readFilter(interfaceName);
    if (before === undefined || Math.max(all, before) !== STRICT) continue;
    filters.push({ interfaceName, before, ours: LOOSE });
  }
  return filters;
}

export function loosen(filter: SavedFilter): void {
  writeFileSync(filterPath(filter.interfaceName), String(filter.ours));
}

/** Puts a filter back; false when somebody else has changed it since, or the interface is gone. */
export function restoreFilter(filter: SavedFilter): boolean {
  if (readFilter(filter.interfaceName) !== filter.ours) return false;
  writeFileSync(filterPath(filter.interfaceName), String(filter.before));
  return true;
}
