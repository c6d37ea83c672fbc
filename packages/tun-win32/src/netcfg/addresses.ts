// Addresses of interfaces. Source: netioapi.h MIB_UNICASTIPADDRESS_ROW.
import { formatAddress } from "@bunnel/wire";
import { DeviceError } from "@bunnel/device";
import {
  AF_UNSPEC,
  ERROR_OBJECT_ALREADY_EXISTS,
  IpDadStatePreferred,
  IpPrefixOriginManual,
  IpSuffixOriginManual,
  LIFETIME_INFINITE,
} from "../constants.ts";
import { checkWindows } from "../errors.ts";
import { MIB_UNICASTIPADDRESS_ROW } from "../structs.ts";
import type { WindowsSystem } from "../sys.ts";
import { decodeAddress, encodeAddress, formatPrefix, parseAddress, parsePrefix, type IpPrefix } from "./prefix.ts";
import { tableRows } from "./table.ts";

export interface WindowsAddress {
  /** Index of the interface. */
  readonly index: number;
  readonly family: 4 | 6;
  /** With its prefix length: "192.0.2.1/24". */
  readonly address: string;
  /** How long it may be used, and used for new connections; undefined: for ever. */
  readonly validSeconds?: number;
  readonly preferredSeconds?: number;
  /** False: Windows still asks whether somebody else has it. */
  readonly preferred: boolean;
}

interface AddressRow {
  readonly info: WindowsAddress;
  readonly luid: bigint;
  readonly row: Uint8Array;
}

/** A row as it is given to Windows. */
export function addressRow(luid: bigint, { octets, prefixLength }: IpPrefix): Uint8Array {
  return MIB_UNICASTIPADDRESS_ROW.encode({
    Address: encodeAddress(octets),
    InterfaceLuid: luid,
    PrefixOrigin: IpPrefixOriginManual,
    SuffixOrigin: IpSuffixOriginManual,
    ValidLifetime: LIFETIME_INFINITE,
    PreferredLifetime: LIFETIME_INFINITE,
    OnLinkPrefixLength: prefixLength,
    DadState: IpDadStatePreferred,
  });
}

/**
 * Adds an address that is there for ever, without asking whether somebody else has it; the same once more is no error.
 * @throws DeviceError E_DEVICE_DENIED, E_DEVICE_MISSING without the interface or its IP stack, E_DEVICE_OPTION
 */
export function addAddress(system: WindowsSystem, luid: bigint, prefix: IpPrefix): void {
  const error = system.iphlpapi().CreateUnicastIpAddressEntry(addressRow(luid, prefix));
  checkWindows(`adding the address ${formatPrefix(prefix)}`, error, ERROR_OBJECT_ALREADY_EXISTS);
}

/**
 * @param address as it was added, or without its prefix length
 * @throws DeviceError E_DEVICE_MISSING when the interface does not have it
 */
export function removeAddress(system: WindowsSystem, luid: bigint, address: string): void {
  const wanted = address.includes("/") ? formatPrefix(parsePrefix(address)) : formatAddress(parseAddress(address));
  const found = rows(system).find(
    ({ luid: of, info }) => of === luid && (info.address === wanted || info.address.split("/")[0] === wanted),
  );
  if (!found) throw new DeviceError("E_DEVICE_MISSING", `address ${address}: expected it on the interface, found none`);
  checkWindows(`removing the address ${address}`, system.iphlpapi().DeleteUnicastIpAddressEntry(found.row));
}

/** Of all interfaces, or of one. */
export function addresses(system: WindowsSystem, luid?: bigint): WindowsAddress[] {
  return rows(system)
    .filter((each) => luid === undefined || each.luid === luid)
    .map(({ info }) => info);
}

function rows(system: WindowsSystem): AddressRow[] {
  const shape = { what: "addresses", rowBytes: MIB_UNICASTIPADDRESS_ROW.bytes };
  const { GetUnicastIpAddressTable } = system.iphlpapi();
  return tableRows(system, shape, (table) => GetUnicastIpAddressTable(AF_UNSPEC, table)).map(parseRow);
}

function parseRow(row: Uint8Array): AddressRow {
  const found = MIB_UNICASTIPADDRESS_ROW.decode(row);
  const octets = decodeAddress(found.Address);
  const { ValidLifetime: valid, PreferredLifetime: preferred } = found;
  const info: WindowsAddress = {
    index: found.InterfaceIndex,
    family: octets.length === 4 ? 4 : 6,
    address: formatPrefix({ octets, prefixLength: found.OnLinkPrefixLength }),
    ...(valid === LIFETIME_INFINITE ? {} : { validSeconds: valid }),
    ...(preferred === LIFETIME_INFINITE ? {} : { preferredSeconds: preferred }),
    preferred: found.DadState === IpDadStatePreferred,
  };
  return { info, luid: found.InterfaceLuid, row };
}
