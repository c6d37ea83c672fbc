// The name servers of an interface. Source: netioapi.h of the Windows SDK, DNS_INTERFACE_SETTINGS version 1.
import { DeviceError } from "@bunnel/device";
import { addressOf } from "@bunnel/ffi";
import {
  DNS_INTERFACE_SETTINGS_VERSION1,
  DNS_SETTING_IPV6,
  DNS_SETTING_NAMESERVER,
  DNS_SETTING_SEARCHLIST,
} from "../constants.ts";
import { checkWindows } from "../errors.ts";
import { guidOctetsOf } from "../luid.ts";
import { DNS_INTERFACE_SETTINGS } from "../structs.ts";
import type { WindowsSystem } from "../sys.ts";
import { wideString } from "../wide-string.ts";
import { parseAddress, type Family } from "./prefix.ts";

/** What a name is asked at, and what is tried behind it. */
export interface WindowsDns {
  /** Of either family, best first. Default: none. */
  readonly servers?: readonly string[];
  /** Domains that are tried behind a short name. Default: none. */
  readonly search?: readonly string[];
}

/**
 * Sets the servers of both families, and forgets names that were asked before. What is left out is cleared.
 * @throws DeviceError E_UNSUPPORTED before Windows 10 2004, E_DEVICE_MISSING without the interface, E_DEVICE_DENIED
 */
export function setDns(system: WindowsSystem, luid: bigint, { servers = [], search = [] }: WindowsDns): void {
  const guid = guidOctetsOf(system, luid);
  if (!guid) throw new DeviceError("E_DEVICE_MISSING", "name servers: expected an interface, found none");
  for (const family of [4, 6] as const) {
    const own = servers.filter((server) => parseAddress(server).length === (family === 4 ? 4 : 16));
    const texts = { servers: wideString(own.join(",")), search: wideString(search.join(",")) };
    checkWindows("setting the name servers", call(system, guid, dnsSettings(family, texts)));
  }
  system.dnsapi().DnsFlushResolverCache();
}

/** Settings as Windows takes them; they hold addresses of the texts, which must stay where they are meanwhile. */
export function dnsSettings(
  family: Family,
  texts: { readonly servers: Uint8Array; readonly search: Uint8Array },
): Uint8Array {
  const which = DNS_SETTING_NAMESERVER | DNS_SETTING_SEARCHLIST;
  return DNS_INTERFACE_SETTINGS.encode({
    Version: DNS_INTERFACE_SETTINGS_VERSION1,
    Flags: family === 6 ? which | DNS_SETTING_IPV6 : which,
    NameServer: BigInt(addressOf(texts.servers)),
    SearchList: BigInt(addressOf(texts.search)),
  });
}

function call(system: WindowsSystem, guid: Uint8Array, settings: Uint8Array): number {
  try {
    return system.setInterfaceDnsSettings(guid, settings);
  } catch (cause) {
    const message = "name servers of an interface: expected Windows 10 2004 or later, found one without the call";
    throw new DeviceError("E_UNSUPPORTED", message, 0, { cause });
  }
}
