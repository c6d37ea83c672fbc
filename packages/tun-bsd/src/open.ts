// Opening a device: options are checked, the interface is made, then set as asked. If one fails, nothing stays.
import {
  BsdNetwork,
  InterfaceControl,
  openWakePipe,
  parseMac,
  parsePrefix,
  type BsdTun,
  type Calls,
} from "@bunnel/bsd";
import { checkSupported, DeviceError, type DeviceOptions } from "@bunnel/device";
import { bsdTunDevice } from "./bsd-tun-device.ts";
import { bsdCapabilities } from "./driver-capabilities.ts";
import { openCalls, type BsdEnvironment } from "./environment.ts";
import { openNode, wantedName } from "./node.ts";
import type { BsdTunSystem } from "./system.ts";

const MTU_DEFAULT_BYTES = 1500;
/** RFC 8200 section 5 */
const MTU_IPV6_MIN_BYTES = 1280;

/**
 * Makes a TUN interface, or with the medium "ethernet" a TAP interface. Both are destroyed by `close` unless the device
 * is `persistent`; where the system can (FreeBSD 15, OpenBSD), they also go when the process is killed.
 * @throws DeviceError E_DEVICE_MISSING without the library, the node or its driver, E_DEVICE_DENIED without root,
 * E_DEVICE_BUSY when the unit is taken, E_DEVICE_OPTION for options that cannot be, E_UNSUPPORTED for those that the
 * system does not have, E_DEVICE_SYSTEM with an errno otherwise
 */
export function openBsdTun(options: DeviceOptions = {}, environment: BsdEnvironment = {}): BsdTun {
  const { calls, system } = openCalls(environment);
  checkOptions(system, options);
  const device = open(calls, system, options);
  try {
    configure(calls, device, options);
    return device;
  } catch (error) {
    device.set({ ...(system.tun.isDestroyed ? { persistent: false } : {}) });
    device.close();
    throw error;
  }
}

/** A TAP device, which carries Ethernet frames. Otherwise as `openBsdTun`. */
export function openBsdTap(options: Omit<DeviceOptions, "medium"> = {}, environment?: BsdEnvironment): BsdTun {
  return openBsdTun({ ...options, medium: "ethernet" }, environment);
}

function open(calls: Calls, system: BsdTunSystem, options: DeviceOptions): BsdTun {
  const { medium = "ip", persistent = false, deleteOnClose = !persistent } = options;
  const way = medium === "ip" ? system.tun : system.tap;
  const node = openNode(calls, system, medium, wantedName(system, way, options.name));
  try {
    const parts = { ...node, writeFd: node.fd, index: calls.indexOf(node.name), pipe: openWakePipe(calls), medium };
    return bsdTunDevice({ ...parts, calls, system, ownership: "owned", persistent: !deleteOnClose });
  } catch (error) {
    calls.close(node.fd);
    if (way.isDestroyed) new InterfaceControl(calls).destroy(node.name);
    throw error;
  }
}

/** What neighbour discovery shall do comes before the first address; routes want an interface that is up. */
function configure(calls: Calls, device: BsdTun, options: DeviceOptions): void {
  const { name, index } = device;
  const { mtuBytes = MTU_DEFAULT_BYTES, mac, up = true, addresses = [], ipv6LinkLocal } = options;
  const pointToPoint = device.capabilities.medium === "ip";
  using network = new BsdNetwork(calls);
  if (mac !== undefined) network.setLink(name, { mac });
  network.setLink(name, { mtuBytes });
  if (ipv6LinkLocal === "none") new InterfaceControl(calls).disableLinkLocal(name);
  network.setLink(name, { up });
  for (const each of addresses) {
    const { address, ...rest } = typeof each === "string" ? { address: each } : each;
    network.addAddress({ name, index, pointToPoint }, address, rest);
  }
}

function checkOptions(system: BsdTunSystem, options: DeviceOptions): void {
  checkSupported(bsdCapabilities(system), options);
  const { medium = "ip", mtuBytes = MTU_DEFAULT_BYTES, mac, addresses = [] } = options;
  wantedName(system, medium === "ip" ? system.tun : system.tap, options.name);
  if (mac !== undefined && medium === "ip") {
    throw new DeviceError("E_DEVICE_OPTION", "mac: expected an ethernet device, found one of IP packets");
  }
  if (mac !== undefined) parseMac(mac);
  const { mtuMinBytes, mtuMaxBytes } = system;
  checkMtu("mtuBytes", mtuBytes, mtuMinBytes, mtuMaxBytes);
  for (const each of addresses) {
    const address = typeof each === "string" ? each : each.address;
    if (parsePrefix(address).family === 6) {
      checkMtu(`mtuBytes with the IPv6 address ${address}`, mtuBytes, MTU_IPV6_MIN_BYTES, mtuMaxBytes);
    }
  }
}

function checkMtu(what: string, found: number, min: number, max: number): void {
  if (Number.isInteger(found) && found >= min && found <= max) return;
  throw new DeviceError("E_DEVICE_OPTION", `${what}: expected ${min} to ${max}, found ${found}`);
}
