// The numbers and names by which Windows knows an interface. ifdef.h NET_LUID: | … | index 24 bits | type 16 bits |
import { pointer } from "@bunnel/ffi";
import { IF_MAX_STRING_SIZE, NO_ERROR } from "./constants.ts";
import { formatGuid } from "./guid.ts";
import type { WindowsSystem } from "./sys.ts";
import { fromWideString, wideString } from "./wide-string.ts";

/** A LUID in memory, as the calls of iphlpapi take it. */
export function luidOctets(luid: bigint): Uint8Array<ArrayBuffer> {
  return new Uint8Array(new BigUint64Array([luid]).buffer);
}

/** The LUID of an interface type and its number, as the registry has them. */
export function luidOf(type: number, index: number): bigint {
  return (BigInt(type) << 48n) | (BigInt(index) << 24n);
}

/** 0: Windows does not know the interface. */
export function indexOfLuid(system: WindowsSystem, luid: bigint): number {
  const index = new Uint32Array(1);
  const error = system.iphlpapi().ConvertInterfaceLuidToIndex(luidOctets(luid), index);
  return error === NO_ERROR ? (index[0] ?? 0) : 0;
}

export function luidOfIndex(system: WindowsSystem, index: number): bigint | undefined {
  const luid = new BigUint64Array(1);
  const error = system.iphlpapi().ConvertInterfaceIndexToLuid(index, luid);
  return error === NO_ERROR ? luid[0] : undefined;
}

export function luidOfAlias(system: WindowsSystem, alias: string): bigint | undefined {
  const luid = new BigUint64Array(1);
  const error = system.iphlpapi().ConvertInterfaceAliasToLuid(wideString(alias), luid);
  return error === NO_ERROR ? luid[0] : undefined;
}

/** The name that people see. */
export function aliasOf(system: WindowsSystem, luid: bigint): string | undefined {
  const units = IF_MAX_STRING_SIZE + 1;
  const alias = new Uint8Array(units * 2);
  const error = system.iphlpapi().ConvertInterfaceLuidToAlias(luidOctets(luid), alias, pointer(units));
  return error === NO_ERROR ? fromWideString(alias) : undefined;
}

export function guidOctetsOf(system: WindowsSystem, luid: bigint): Uint8Array<ArrayBuffer> | undefined {
  const guid = new Uint8Array(16);
  return system.iphlpapi().ConvertInterfaceLuidToGuid(luidOctets(luid), guid) === NO_ERROR ? guid : undefined;
}

export function guidOf(system: WindowsSystem, luid: bigint): string | undefined {
  const octets = guidOctetsOf(system, luid);
  return octets === undefined ? undefined : formatGuid(octets);
}
