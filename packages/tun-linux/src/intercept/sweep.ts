// Finds and removes what a killed process left: policy rules, an nftables table without an owner, and reverse-path
// filters that were loosened. Only what is exactly ours is touched; it is known by its marks, so that a state file that
// was lost, or is another than that of the killed one, hinders nothing.
import { DeviceError, type SweepReport } from "@bunnel/device";
import type { LockedState } from "../locked-state/index.ts";
import { currentNamespace } from "../namespace.ts";
import { RouteNetlink } from "../netcfg/route-netlink.ts";
import { NftClient } from "../nft/client.ts";
import { deleteTable } from "../nft/message.ts";
import type { SweepSettings } from "./interception.ts";
import { notedFilters } from "./filter-notes.ts";
import { removeLeftRules } from "./left-rules.ts";
import { expectNoneLives, removeLeftDeviceRoutes } from "./living.ts";
import { NFT_TABLE, ROUTE_TABLE, STATE_PATH } from "./marks.ts";
import { NarrowerRoutes } from "./narrower-routes.ts";
import { closedRoute, isClosedRoute, tablesOf } from "./policy.ts";
import { restoreFilter } from "./reverse-path.ts";
import { claimState, type InterceptionState, type SavedFilter } from "./state.ts";

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

/** What an interception that is about to begin says of itself. */
export interface SweepFor {
  /** Its device, which a run before it may have had. */
  readonly deviceIndex?: number;
  /** Its method where it has a kill switch: what one of that method left closed is left to it. */
  readonly kept?: "nft" | "rules" | undefined;
}

/** The same for one who holds the lock already. */
export function sweep(
  state: LockedState<InterceptionState>,
  netlink: RouteNetlink,
  { deviceIndex, kept }: SweepFor = {},
): SweepReport {
  const left = state.read();
  // Both look first: nothing is touched where another one lives.
  expectNoneLives(netlink, deviceIndex);
  if (kept !== undefined && isLeftClosed(kept, netlink)) return { removed: [] };
  const noted = notedFilters(netlink);
  const removed = [
    ...sweepTable(),
    ...FAMILIES.flatMap((family) => removeLeftRules(netlink, family, left?.exceptions ?? [])),
    ...removeLeftDeviceRoutes(netlink, deviceIndex),
    ...sweepClosed(netlink),
    ...sweepNarrower(netlink),
    // Interface names mean something else in another namespace; a note is about its own.
    ...sweepFilters([...(left?.namespace === currentNamespace() ? left.filters : []), ...noted]),
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
    .flatMap((filter) => netlink.routes(filter).filter(isClosedRoute))
    .map(({ family, table, protocol }) => {
      netlink.removeRoute({ ...closedRoute(family, table), protocol });
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

function sweepFilters(filters: readonly SavedFilter[]): string[] {
  return filters
    .filter((filter) => restoreFilter(filter))
    .map(({ interfaceName, before }) => `rp_filter of ${interfaceName} is ${before} again`);
}
