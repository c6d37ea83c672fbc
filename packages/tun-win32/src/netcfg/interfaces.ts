// Interfaces, and what can be set about each of their two IP stacks. Source: netioapi.h MIB_IF_ROW2,
// MIB_IPINTERFACE_ROW.
import {
  IF_TYPE_SOFTWARE_LOOPBACK,
  IfOperStatusUp,
  LinkLocalAlwaysOff,
  NET_IF_ADMIN_STATUS_UP,
  NO_ERROR,
  RouterDiscoveryDisabled,
} from "../constants.ts";
import { checkWindows } from "../errors.ts";
import { formatGuid } from "../guid.ts";
import { MIB_IF_ROW2, MIB_IPINTERFACE_ROW } from "../structs.ts";
import type { WindowsSystem } from "../sys.ts";
import { fromWideString } from "../wide-string.ts";
import { systemFamily, type Family } from "./prefix.ts";
import { tableRows } from "./table.ts";

export interface WindowsInterface {
  readonly index: number;
  readonly luid: bigint;
  readonly guid: string;
  /** The name that people see and can change. */
  readonly name: string;
  readonly description: string;
  /** The smaller one of its IP stacks (NlMtu); without any, what its driver could take. */
  readonly mtuBytes: number;
  /** It was not switched off. */
  readonly up: boolean;
  /** Up, and with a carrier. */
  readonly running: boolean;
  readonly loopback: boolean;
  /** IF_TYPE_* of ipifcons.h. */
  readonly type: number;
  /** Hardware address, "02:00:00:00:00:01"; undefined where there is none, as for a TUN device. */
  readonly mac?: string;
  /** Octets and unicast packets that came in, and went out. */
  readonly rxBytes: bigint;
  readonly rxPackets: bigint;
  readonly txBytes: bigint;
  readonly txPackets: bigint;
}

/** What can be changed about an IP stack of an interface. */
export interface InterfaceChange {
  readonly mtuBytes?: number;
  /** Undefined: it stays as it is. "auto": Windows picks one. */
  readonly metric?: number | "auto";
  /** False: an address is used at once, nobody is asked whether he has it. */
  readonly duplicateCheck?: boolean;
  readonly routerDiscovery?: boolean;
  /** IPv6. False: no link-local address comes by itself. */
  readonly linkLocal?: boolean;
  /** Packets from other interfaces may leave by it, and the other way round. */
  readonly forwarding?: boolean;
}

/** IPv4: what a Get leaves there can be more than a Set takes. */
const SITE_PREFIX_UNSET = 0;
const LINK_LOCAL_DELAYED = 1;
const ROUTER_DISCOVERY_ENABLED = 1;
const DAD_TRANSMITS_DEFAULT = 1;

export function interfaces(system: WindowsSystem): WindowsInterface[] {
  const shape = { what: "interfaces", rowBytes: MIB_IF_ROW2.bytes };
  const rows = tableRows(system, shape, (table) => system.iphlpapi().GetIfTable2(table));
  return rows.map((row) => parseInterface(system, row));
}

/** Undefined: Windows does not know it. */
export function interfaceOf(system: WindowsSystem, luid: bigint): WindowsInterface | undefined {
  const row = MIB_IF_ROW2.encode({ InterfaceLuid: luid });
  return system.iphlpapi().GetIfEntry2(row) === NO_ERROR ? parseInterface(system, row) : undefined;
}

/** The IP stacks that are bound to an interface. */
export function familiesOf(system: WindowsSystem, luid: bigint): Family[] {
  return ([4, 6] as const).filter((family) => readStack(system, luid, family).error === NO_ERROR);
}

/**
 * Changes what is named and leaves everything else of the stack as Windows has it.
 * @throws DeviceError E_DEVICE_MISSING without such a stack, E_DEVICE_OPTION for what it does not take, E_DEVICE_DENIED
 */
export function changeInterface(system: WindowsSystem, luid: bigint, family: Family, change: InterfaceChange): void {
  const what = `changing IPv${family} of an interface`;
  const { row, error } = readStack(system, luid, family);
  checkWindows(what, error);
  const changed = stackRow(row, family, change);
  checkWindows(what, system.iphlpapi().SetIpInterfaceEntry(changed));
}

/** A row that came from Windows, with the changes in it. */
export function stackRow(row: Uint8Array, family: Family, change: InterfaceChange): Uint8Array {
  const { mtuBytes, metric, duplicateCheck, routerDiscovery, linkLocal, forwarding } = change;
  const result = Uint8Array.from(row);
  const { fields } = MIB_IPINTERFACE_ROW;
  const view = new DataView(result.buffer);
  const put = (at: number, value: number | undefined): void => {
    if (value !== undefined) view.setUint32(at, value, true);
  };
  if (family === 4) put(fields.SitePrefixLength.at, SITE_PREFIX_UNSET);
  put(fields.NlMtu.at, mtuBytes);
  if (metric !== undefined) {
    view.setUint8(fields.UseAutomaticMetric.at, metric === "auto" ? 1 : 0);
    put(fields.Metric.at, metric === "auto" ? 0 : metric);
  }
  put(fields.DadTransmits.at, chosen(duplicateCheck, DAD_TRANSMITS_DEFAULT, 0));
  put(fields.RouterDiscoveryBehavior.at, chosen(routerDiscovery, ROUTER_DISCOVERY_ENABLED, RouterDiscoveryDisabled));
  put(fields.LinkLocalAddressBehavior.at, chosen(linkLocal, LINK_LOCAL_DELAYED, LinkLocalAlwaysOff));
  if (forwarding !== undefined) view.setUint8(fields.ForwardingEnabled.at, forwarding ? 1 : 0);
  return result;
}

/** What Windows has of an IP stack, and the error where it has none. */
export function readStack(system: WindowsSystem, luid: bigint, family: Family) {
  const { InitializeIpInterfaceEntry, GetIpInterfaceEntry } = system.iphlpapi();
  const row = new Uint8Array(new ArrayBuffer(MIB_IPINTERFACE_ROW.bytes));
  InitializeIpInterfaceEntry(row);
  const key = MIB_IPINTERFACE_ROW.encode({ Family: systemFamily(family), InterfaceLuid: luid });
  row.set(key.subarray(0, MIB_IPINTERFACE_ROW.fields.InterfaceIndex.at));
  return { row, error: GetIpInterfaceEntry(row) };
}

function chosen(flag: boolean | undefined, on: number, off: number): number | undefined {
  if (flag === undefined) return undefined;
  return flag ? on : off;
}

/** What packets of all its IP stacks keep to; undefined: none is bound to it. */
function stackMtu(system: WindowsSystem, luid: bigint): number | undefined {
  const stacks = ([4, 6] as const).map((family) => readStack(system, luid, family));
  const mtus = stacks.filter(({ error }) => error === NO_ERROR).map(({ row }) => MIB_IPINTERFACE_ROW.decode(row).NlMtu);
  return mtus.length === 0 ? undefined : Math.min(...mtus);
}

function parseInterface(system: WindowsSystem, row: Uint8Array): WindowsInterface {
  const found = MIB_IF_ROW2.decode(row);
  const octets = found.PhysicalAddress.subarray(0, found.PhysicalAddressLength);
  const mac = Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");
  const up = found.AdminStatus === NET_IF_ADMIN_STATUS_UP;
  return {
    index: found.InterfaceIndex,
    luid: found.InterfaceLuid,
    guid: formatGuid(found.InterfaceGuid),
    name: fromWideString(found.Alias),
    description: fromWideString(found.Description),
    // Of the interface's own Windows says what its driver could take, 65535 octets for Wintun, whatever is set.
    mtuBytes: stackMtu(system, found.InterfaceLuid) ?? found.Mtu,
    up,
    running: up && found.OperStatus === IfOperStatusUp,
    loopback: found.Type === IF_TYPE_SOFTWARE_LOOPBACK,
    type: found.Type,
    ...(mac === "" ? {} : { mac }),
    rxBytes: found.InOctets,
    rxPackets: found.InUcastPkts,
    txBytes: found.OutOctets,
    txPackets: found.OutUcastPkts,
  };
}
