// Which hardware address belongs to which address on a link. Source: netioapi.h MIB_IPNET_ROW2.
import { DeviceError } from "@bunnel/device";
import { formatAddress } from "@bunnel/wire";
import { AF_UNSPEC, NlnsPermanent } from "../constants.ts";
import { checkWindows } from "../errors.ts";
import { MIB_IPNET_ROW2 } from "../structs.ts";
import type { WindowsSystem } from "../sys.ts";
import { decodeAddress, encodeAddress, parseAddress } from "./prefix.ts";
import { tableRows } from "./table.ts";

/** nldef.h NL_NEIGHBOR_STATE; the numbers are the places in this list. */
const STATES = ["unreachable", "incomplete", "probe", "delay", "stale", "reachable", "permanent"] as const;
export type WindowsNeighbourState = (typeof STATES)[number];
const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

export interface WindowsNeighbour {
  /** Index of the interface. */
  readonly index: number;
  readonly address: string;
  /** "02:00:00:00:00:01"; undefined while it is not known. */
  readonly mac?: string;
  readonly state: WindowsNeighbourState;
}

/** @throws DeviceError E_DEVICE_BUSY when there is an entry for the address, E_DEVICE_OPTION */
export function addNeighbour(system: WindowsSystem, luid: bigint, address: string, mac: string): void {
  const row = neighbourRow(luid, address, mac);
  checkWindows(`adding the neighbour ${address}`, system.iphlpapi().CreateIpNetEntry2(row));
}

/** @throws DeviceError E_DEVICE_MISSING when there is none */
export function removeNeighbour(system: WindowsSystem, luid: bigint, address: string): void {
  const row = neighbourRow(luid, address);
  checkWindows(`removing the neighbour ${address}`, system.iphlpapi().DeleteIpNetEntry2(row));
}

/** Of all interfaces and both families. */
export function neighbours(system: WindowsSystem): WindowsNeighbour[] {
  const shape = { what: "neighbours", rowBytes: MIB_IPNET_ROW2.bytes };
  const { GetIpNetTable2 } = system.iphlpapi();
  return tableRows(system, shape, (table) => GetIpNetTable2(AF_UNSPEC, table)).map(parseNeighbour);
}

/** A row as it is given to Windows. */
export function neighbourRow(luid: bigint, address: string, mac?: string): Uint8Array {
  const octets = mac === undefined ? new Uint8Array(0) : macOctets(mac);
  return MIB_IPNET_ROW2.encode({
    Address: encodeAddress(parseAddress(address)),
    InterfaceLuid: luid,
    PhysicalAddress: octets,
    PhysicalAddressLength: octets.length,
    State: NlnsPermanent,
  });
}

function parseNeighbour(row: Uint8Array): WindowsNeighbour {
  const found = MIB_IPNET_ROW2.decode(row);
  const octets = found.PhysicalAddress.subarray(0, found.PhysicalAddressLength);
  const mac = Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join(":");
  return {
    index: found.InterfaceIndex,
    address: formatAddress(decodeAddress(found.Address)),
    ...(mac === "" ? {} : { mac }),
    state: STATES[found.State] ?? "unreachable",
  };
}

function macOctets(mac: string): Uint8Array {
  if (!MAC.test(mac)) {
    throw new DeviceError("E_DEVICE_OPTION", `hardware address: expected six octets, found "${mac}"`);
  }
  return Uint8Array.from(mac.split(":"), (octet) => Number.parseInt(octet, 16));
}
