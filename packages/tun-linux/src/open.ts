// Opening a TUN device: options are checked, the interface is made, then set as asked. If one fails, nothing stays.
import { DeviceError, type DeviceOptions } from "@bunnel/device";
import { LinuxTun } from "./device.ts";
import { systemError } from "./errors.ts";
import { formatPrefix, parsePrefix, RouteNetlink, type LinkInfo } from "./netcfg/index.ts";
import * as sys from "./sys.ts";
import { openTunNode } from "./tun-node.ts";

const MTU_DEFAULT_BYTES = 1500;
const MTU_MIN_BYTES = 68;
const MTU_MAX_BYTES = 65535;
/** Below it the kernel switches IPv6 off on an interface (RFC 8200 section 5). */
const MTU_IPV6_MIN_BYTES = 1280;

/**
 * Makes a TUN interface in the calling thread's network namespace, or takes over a persistent one of that name that no
 * process has open. It goes with the last descriptor: its addresses and routes with it.
 * @throws DeviceError E_DEVICE_MISSING without the tun driver, E_DEVICE_DENIED without CAP_NET_ADMIN, E_DEVICE_BUSY
 * when the name is taken, E_DEVICE_OPTION for options that cannot be, E_DEVICE_SYSTEM with an errno otherwise
 */
export function openLinuxTun(options: DeviceOptions = {}): LinuxTun {
  check(options);
  const vnetHeader = options.offload ?? false;
  const multiQueue = options.multiQueue ?? false;
  const device = open(options.name ?? "", vnetHeader, multiQueue);
  try {
    configure(device, options);
    return device;
  } catch (error) {
    device.close();
    throw error;
  }
}

/**
 * Another queue of the same device, with its own descriptor and event; the kernel spreads flows over the queues. Call
 * it in the network namespace of the first.
 * @throws DeviceError E_DEVICE_STATE when the first was opened without `multiQueue`
 */
export function openTunQueue(first: LinuxTun): LinuxTun {
  if (!first.multiQueue) {
    throw new DeviceError(
      "E_DEVICE_STATE",
      `device ${first.name}: expected it opened with multiQueue, found one queue`,
    );
  }
  return open(first.name, first.capabilities.vnetHeader, true);
}

function open(name: string, vnetHeader: boolean, multiQueue: boolean): LinuxTun {
  const node = openTunNode({ name, multiQueue, vnetHeader });
  const eventFd = sys.openEvent();
  try {
    if (eventFd < 0) throw systemError("opening an event", sys.errno());
    using netlink = RouteNetlink.open();
    const { index } = linkOf(netlink, node.name);
    return new LinuxTun({ ...node, eventFd, index, vnetHeader, multiQueue, owner: true });
  } catch (error) {
    if (eventFd >= 0) sys.closeFd(eventFd);
    sys.closeFd(node.fd);
    throw error;
  }
}

/** Only what differs is set, so that a prepared device can be used without the right to change it. */
function configure({ name, index }: LinuxTun, options: DeviceOptions): void {
  using netlink = RouteNetlink.open();
  const link = linkOf(netlink, name);
  const mtuBytes = options.mtuBytes ?? MTU_DEFAULT_BYTES;
  const { txQueueLength, ipv6LinkLocal } = options;
  netlink.setLink(index, {
    ...(mtuBytes === link.mtuBytes ? {} : { mtuBytes }),
    ...(txQueueLength === undefined || txQueueLength === link.txQueueLength ? {} : { txQueueLength }),
  });
  if (ipv6LinkLocal !== undefined) setIpv6LinkLocal(netlink, index, ipv6LinkLocal);
  const present = new Set(netlink.addresses(index).map(({ address }) => address));
  for (const address of options.addresses ?? []) {
    const { octets, prefixLength } = parsePrefix(address);
    if (!present.has(formatPrefix(octets, prefixLength))) netlink.addAddress(index, address, { noDad: true });
  }
  if ((options.up ?? true) && !link.up) netlink.setLink(index, { up: true });
}

/** A system without IPv6 gives no link-local address either. */
function setIpv6LinkLocal(netlink: RouteNetlink, index: number, ipv6LinkLocal: "system" | "none"): void {
  try {
    netlink.setLink(index, { ipv6LinkLocal });
  } catch (error) {
    if (!(error instanceof DeviceError) || error.errno !== sys.EAFNOSUPPORT) throw error;
  }
}

function linkOf(netlink: RouteNetlink, name: string): LinkInfo {
  const link = netlink.link(name);
  if (!link) throw new DeviceError("E_DEVICE_GONE", `device ${name}: expected the interface just opened, found none`);
  return link;
}

function check(options: DeviceOptions): void {
  const { mtuBytes = MTU_DEFAULT_BYTES, txQueueLength = 0, addresses = [] } = options;
  if (!Number.isInteger(mtuBytes) || mtuBytes < MTU_MIN_BYTES || mtuBytes > MTU_MAX_BYTES) {
    throw optionError("mtuBytes", `${MTU_MIN_BYTES} to ${MTU_MAX_BYTES}`, mtuBytes);
  }
  if (!Number.isInteger(txQueueLength) || txQueueLength < 0 || txQueueLength > 0x7fffffff) {
    throw optionError("txQueueLength", "0 to 2147483647", txQueueLength);
  }
  for (const address of addresses) {
    if (parsePrefix(address).family === 6 && mtuBytes < MTU_IPV6_MIN_BYTES) {
      throw optionError(`mtuBytes with the IPv6 address ${address}`, `at least ${MTU_IPV6_MIN_BYTES}`, mtuBytes);
    }
  }
}

function optionError(what: string, expected: string, found: number): DeviceError {
  return new DeviceError("E_DEVICE_OPTION", `${what}: expected ${expected}, found ${found}`);
}
