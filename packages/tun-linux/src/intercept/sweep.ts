// Finds and removes what a killed process left: policy rules, an nftables table without an owner, and reverse-path
// filters that were loosened. Only what is exactly ours is touched.
import { DeviceError, type SweepReport } from "@bunnel/device";
import type { LockedState } from "../locked-state/index.ts";
import { currentNamespace } from "../namespace.ts";
import { RouteNetlink } from "../netcfg/route-netlink.ts";
import type { RuleInfo, RuleSpec } from "../netcfg/rules.ts";
import { NftClient } from "../nft/client.ts";
import { deleteTable } from "../nft/message.ts";
import type { SweepSettings } from "./interception.ts";
import { NFT_TABLE, ROUTE_TABLE, STATE_PATH } from "./marks.ts";
import { NarrowerRoutes } from "./narrower-routes.ts";
import { closedRoute, describeRule, everythingRules, exceptionRule, tablesOf, variedRules } from "./policy.ts";
import { hasAllOf, isClosedRoute, isRule, markedRules, type Family } from "./policy.ts";
import { restoreFilter } from "./reverse-path.ts";
import { claimState, type InterceptionState } from "./state.ts";

// asm-generic/errno-base.h, asm-generic/errno.h: what a kernel without nftables answers
const EINVAL = 22;
const EPROTONOSUPPORT = 93;
const EAFNOSUPPORT = 97;
const EOPNOTSUPP = 95;

/**
 * Puts back what an earlier run left in the calling thread's network namespace. Starting an interception does the same.
 * @throws DeviceError E_DEVICE_BUSY when another bunnel is running; then nothing was touched
 */
export function sweepInterception(settings: SweepSettings = {}): SweepReport {
  using state = claimState(settings.statePath ?? STATE_PATH);
  using netlink = RouteNetlink.open();
  if (settings.keepClosed === true && METHODS.some((method) => isLeftClosed(method, netlink))) return { removed: [] };
  return sweep(state, netlink);
}

const METHODS = ["nft", "rules"] as const;
const FAMILIES = [4, 6] as const;

/**
 * The same for one who holds the lock already. `kept`: the method of an interception with a kill switch that is about
 * to begin; what one of that method left closed is left to it.
 */
export function sweep(
  state: LockedState<InterceptionState>,
  netlink: RouteNetlink,
  kept?: "nft" | "rules",
): SweepReport {
  const left = state.read();
  if (kept !== undefined && isLeftClosed(kept, netlink)) return { removed: [] };
  const removed = [
    // The table comes first: it is what shows that another one lives.
    ...sweepTable(),
    ...sweepRules(netlink, left?.exceptions ?? []),
    ...sweepClosed(netlink),
    ...sweepNarrower(netlink),
    ...(left ? sweepFilters(left) : []),
  ];
  if (left) state.clear();
  return { removed };
}

/** Whether an interception of this method was killed that had a kill switch. */
function isLeftClosed(method: "nft" | "rules", netlink: RouteNetlink): boolean {
  if (!netlink.routes({ table: ROUTE_TABLE }).some(isClosedRoute)) return false;
  using client = openNft();
  const table = client?.table(NFT_TABLE);
  return (method === "nft") === (table !== undefined && !table.owned && table.comment === NFT_TABLE);
}

function sweepClosed(netlink: RouteNetlink): string[] {
  const tables = FAMILIES.flatMap((family) => tablesOf("rules", family).map((table) => ({ family, table })));
  return tables
    .filter((filter) => netlink.routes(filter).some(isClosedRoute))
    .map(({ family, table }) => {
      netlink.removeRoute(closedRoute(family, table));
      return `unreachable default route of table ${table}: the kill switch (IPv${family})`;
    });
}

function sweepNarrower(netlink: RouteNetlink): string[] {
  const count = new NarrowerRoutes(netlink).clear();
  return count === 0 ? [] : [`${count} throw routes of table ${ROUTE_TABLE} (IPv6)`];
}

function sweepTable(): string[] {
  using client = openNft();
  const table = client?.table(NFT_TABLE);
  if (client === undefined || table === undefined) return [];
  if (table.owned) {
    throw new DeviceError(
      "E_DEVICE_BUSY",
      `interception: another bunnel is running (nftables table inet ${NFT_TABLE} has a living owner)`,
    );
  }
  if (table.comment !== NFT_TABLE) {
    throw new DeviceError(
      "E_DEVICE_BUSY",
      `nftables table inet ${NFT_TABLE}: expected our own with the comment "${NFT_TABLE}", found "${table.comment}"`,
    );
  }
  client.commit([deleteTable(NFT_TABLE)]);
  return [`nftables table inet ${NFT_TABLE}`];
}

/** Undefined where the kernel has no nftables: then there is no table to sweep. */
function openNft(): NftClient | undefined {
  const client = NftClient.open();
  try {
    client.table(NFT_TABLE);
    return client;
  } catch (error) {
    client.close();
    const absent = [EINVAL, EPROTONOSUPPORT, EAFNOSUPPORT, EOPNOTSUPP];
    if (error instanceof DeviceError && absent.includes(error.errno)) return undefined;
    throw error;
  }
}

function sweepRules(netlink: RouteNetlink, exceptions: readonly string[]): string[] {
  const removed: string[] = [];
  for (const family of FAMILIES) {
    const ours: RuleSpec[] = [
      ...markedRules(family),
      ...everythingRules(family),
      ...exceptions.map(exceptionRule).filter((rule) => rule.family === family),
    ];
    const found = rulesOf(netlink, family);
    for (const rule of [...ours, ...found.flatMap(variedRules)]) {
      // The system removes the first rule that has what we name, and more would not hinder it. So we go on as long as
      // that one is exactly ours.
      for (const candidate of found.filter((other) => hasAllOf(other, rule))) {
        if (!isRule(candidate, rule)) break;
        netlink.removeRule(rule);
        removed.push(describeRule(rule));
      }
    }
  }
  return removed;
}

/** None where the kernel has no such family. */
function rulesOf(netlink: RouteNetlink, family: Family): RuleInfo[] {
  try {
    return netlink.rules(family);
  } catch (error) {
    if (error instanceof DeviceError && error.errno === EAFNOSUPPORT) return [];
    throw error;
  }
}

function sweepFilters(left: InterceptionState): string[] {
  // Interface names mean something else in another namespace.
  if (left.namespace !== currentNamespace()) return [];
  return left.filters
    .filter((filter) => restoreFilter(filter))
    .map(({ interfaceName, before }) => `rp_filter of ${interfaceName} is ${before} again`);
}
