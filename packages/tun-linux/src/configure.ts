// Setting a new or prepared interface as the options ask. Only what differs is set, so that a prepared device can be
// used without the right to change it.
import { DeviceError, type DeviceAddress, type DeviceOptions } from "@bunnel/device";
import { given, MTU_DEFAULT_BYTES } from "./check-options.ts";
import { formatPrefix, parsePrefix, RouteNetlink, type AddressOptions, type LinkInfo } from "./netcfg/index.ts";
import * as sys from "./sys.ts";
import { applySettings, type TunUnderChange } from "./tun-settings.ts";

/** @throws DeviceError with whatever the kernel refused; what was set before it stays set */
export function configure(device: TunUnderChange & { readonly index: number }, options: DeviceOptions): void {
  const { linkType, mac, owner, group, sendBufferBytes, carrier, persistent } = options;
  // What can only be set while the interface is down comes first.
  applySettings(device, given({ linkType, mac, owner, group, sendBufferBytes, carrier }));
  const { index } = device;
  using netlink = RouteNetlink.open();
  const link = linkOf(netlink, device.name);
  const { mtuBytes = MTU_DEFAULT_BYTES, txQueueLength, ipv6LinkLocal } = options;
  netlink.setLink(index, {
    ...(mtuBytes === link.mtuBytes ? {} : { mtuBytes }),
    ...(txQueueLength === undefined || txQueueLength === link.txQueueLength ? {} : { txQueueLength }),
  });
  if (ipv6LinkLocal !== undefined) setIpv6LinkLocal(netlink, index, ipv6LinkLocal);
  addAddresses(netlink, index, options.addresses ?? []);
  if ((options.up ?? true) && !link.up) netlink.setLink(index, { up: true });
  // Last: an interface that could not be set shall not stay.
  applySettings(device, given({ persistent }));
}

/** @throws DeviceError E_DEVICE_GONE */
export function linkOf(netlink: RouteNetlink, name: string): LinkInfo {
  const link = netlink.link(name);
  if (!link) throw new DeviceError("E_DEVICE_GONE", `device ${name}: expected the interface just opened, found none`);
  return link;
}

function addAddresses(netlink: RouteNetlink, index: number, addresses: readonly (string | DeviceAddress)[]): void {
  const present = new Set(netlink.addresses(index).map(({ address }) => address));
  for (const each of addresses) {
    const { address, ...rest } = typeof each === "string" ? { address: each } : each;
    const { octets, prefixLength } = parsePrefix(address);
    if (!present.has(formatPrefix(octets, prefixLength))) netlink.addAddress(index, address, addressOptions(rest));
  }
}

/** The kernel need not look for a duplicate on a link that has only us. */
function addressOptions({ peer, broadcast, connectedRoute = true }: Omit<DeviceAddress, "address">): AddressOptions {
  return { noDad: true, ...given({ peer, broadcast }), ...(connectedRoute ? {} : { noPrefixRoute: true }) };
}

/** A system without IPv6 gives no link-local address either. */
function setIpv6LinkLocal(netlink: RouteNetlink, index: number, ipv6LinkLocal: "system" | "none"): void {
  try {
    netlink.setLink(index, { ipv6LinkLocal });
  } catch (error) {
    if (!(error instanceof DeviceError) || error.errno !== sys.EAFNOSUPPORT) throw error;
  }
}
