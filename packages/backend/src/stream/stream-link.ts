// Where the device stands while flows are carried by sockets: its own addresses, and the links that they are on.
import { selectionOf, type Profile } from "@bunnel/profile";
import { TUN_DEFAULTS, type BackendConfig } from "../backend.ts";
import { BackendError } from "../errors.ts";
import type { TunPlatform } from "../platform.ts";

/** An IPv6 network of our own (RFC 4193), its number drawn once: the name in ASCII. */
export const STREAM_ADDRESS6 = "fd62:756e:6e65:6c::1";
export const PREFIX6 = 64;

/** Where the device stands on its link. */
export interface StreamLink {
  readonly address: string;
  readonly prefixLength: number;
  readonly hasIpv6: boolean;
  /** See `TunPlatform.clientsHaveDeviceAddress`. */
  readonly ownClients: boolean;
}

/** Whether a rule of the profile carries flows by sockets. */
export function wantsStream(profile: Profile): boolean {
  return selectionOf(profile).stream !== undefined;
}

/** Whether a rule answers DNS queries, those over TCP too. */
export function wantsQueries(profile: Profile): boolean {
  return selectionOf(profile).queries !== undefined;
}

/** Whether a rule has datagrams or echo requests carried by sockets. */
export function wantsDatagrams(profile: Profile): boolean {
  const { udp, echo } = selectionOf(profile);
  return udp !== undefined || echo === true;
}

/** Undefined: no flow is carried by sockets. */
export function streamLinkOf(
  platform: TunPlatform,
  { engine, settings = {}, stream, answerDns }: BackendConfig,
): StreamLink | undefined {
  const { profile } = engine;
  if (stream === undefined || !(wantsStream(profile) || (answerDns !== undefined && wantsQueries(profile)))) {
    return undefined;
  }
  const prefixLength = prefixLengthOf(settings.netmask ?? TUN_DEFAULTS.netmask);
  return {
    ...{ address: settings.address ?? TUN_DEFAULTS.address, prefixLength },
    ...{ hasIpv6: platform.hasIpv6?.() ?? false, ownClients: platform.clientsHaveDeviceAddress ?? false },
  };
}

/** Addresses with prefix that the device needs. */
export function streamAddresses({ address, prefixLength, hasIpv6 }: StreamLink): string[] {
  return [`${address}/${prefixLength}`, ...(hasIpv6 ? [`${STREAM_ADDRESS6}/${PREFIX6}`] : [])];
}

/** Prefix length of a netmask. @throws BackendError for one with holes */
export function prefixLengthOf(netmask: string): number {
  const bits = netmask
    .split(".")
    .map((part) => Number(part).toString(2).padStart(8, "0"))
    .join("");
  if (/^1*0*$/u.test(bits) && bits.length === 32) return bits.lastIndexOf("1") + 1;
  throw new BackendError("E_NOT_SUPPORTED", `netmask ${netmask}: expected ones, then zeros`);
}
