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
import { darwinTun } from "./darwin-tun.ts";
import { DARWIN_CAPABILITIES } from "./driver-capabilities.ts";
import { openCalls, type DarwinEnvironment } from "./environment.ts";
import { fethName, openFeth, setFethMtu } from "./feth.ts";
import { openUtun, unitOf } from "./utun.ts";

export const MTU_DEFAULT_BYTES = 1500;
/** net/if_utun.c and net/if_fake.c take none below the one and none above the other. */
const MTU_MIN_BYTES = 576;
const MTU_MAX_BYTES = { ip: 65535, ethernet: 16370 } as const;
/** RFC 8200 section 5 */
const MTU_IPV6_MIN_BYTES = 1280;

/**
 * Makes a utun interface, which goes with its descriptor; with the medium "ethernet" a pair of feth interfaces, which
 * are destroyed by `close` unless the device is `persistent`.
 * @throws DeviceError E_DEVICE_MISSING without the library or the kernel's driver, E_DEVICE_DENIED without root,
 * E_DEVICE_BUSY when the unit is taken, E_DEVICE_OPTION for options that cannot be, E_UNSUPPORTED for those that macOS
 * does not have, E_DEVICE_SYSTEM with an errno otherwise
 */
export function openDarwinTun(options: DeviceOptions = {}, environment: DarwinEnvironment = {}): BsdTun {
  checkOptions(options);
  const { medium = "ip", batch = true } = { ...options, ...environment };
  const calls = openCalls(environment);
  const device = medium === "ip" ? openIp(calls, options, batch) : openEthernet(calls, options);
  try {
    configure(calls, device, options);
    return device;
  } catch (error) {
    device.close();
    throw error;
  }
}

/** A TAP device, which carries Ethernet frames. Otherwise as `openDarwinTun`. */
export function openDarwinTap(options: Omit<DeviceOptions, "medium"> = {}, environment?: DarwinEnvironment): BsdTun {
  return openDarwinTun({ ...options, medium: "ethernet" }, environment);
}

function openIp(calls: Calls, { name }: DeviceOptions, batch: boolean): BsdTun {
  const utun = openUtun(calls, unitOf(name));
  try {
    const parts = { ...utun, writeFd: utun.fd, index: calls.indexOf(utun.name), pipe: openWakePipe(calls) };
    return darwinTun({ ...parts, calls, batch, medium: "ip", ownership: "owned" });
  } catch (error) {
    calls.close(utun.fd);
    throw error;
  }
}

function openEthernet(calls: Calls, { name, persistent = false, deleteOnClose = !persistent }: DeviceOptions): BsdTun {
  const feth = openFeth(calls, fethName(name));
  const fds = { fd: feth.bpfFd, writeFd: feth.ndrvFd };
  try {
    const parts = {
      ...fds,
      name: feth.name,
      peer: feth.peer,
      index: calls.indexOf(feth.name),
      pipe: openWakePipe(calls),
    };
    const ownership = "owned";
    return darwinTun({ ...parts, calls, batch: false, medium: "ethernet", ownership, persistent: !deleteOnClose });
  } catch (error) {
    for (const fd of [feth.bpfFd, feth.ndrvFd]) calls.close(fd);
    const control = new InterfaceControl(calls);
    for (const each of [feth.name, feth.peer]) control.destroy(each);
    throw error;
  }
}

/** The hardware address first, for it may need the interface down; addresses before it comes up. */
function configure(calls: Calls, device: BsdTun, options: DeviceOptions): void {
  const { name, index } = device;
  const { mtuBytes = MTU_DEFAULT_BYTES, mac, up = true, addresses = [] } = options;
  const isIp = device.capabilities.medium === "ip";
  using network = new BsdNetwork(calls);
  if (mac !== undefined) network.setLink(name, { mac });
  if (isIp) network.setLink(name, { mtuBytes });
  else setFethMtu(calls, { name, peer: device.peer ?? name }, mtuBytes);
  for (const each of addresses) {
    const { address, ...rest } = typeof each === "string" ? { address: each } : each;
    network.addAddress({ name, index, pointToPoint: isIp }, address, rest);
  }
  // A utun is up from the beginning.
  network.setLink(name, { up });
}

function checkOptions(options: DeviceOptions): void {
  checkSupported(DARWIN_CAPABILITIES, options);
  const { medium = "ip", mtuBytes = MTU_DEFAULT_BYTES, mac, addresses = [], persistent } = options;
  if (medium === "ip") unitOf(options.name);
  else fethName(options.name);
  if (mac !== undefined && medium === "ip") {
    throw new DeviceError("E_DEVICE_OPTION", "mac: expected an ethernet device, found one of IP packets");
  }
  if (mac !== undefined) parseMac(mac);
  if (persistent && medium === "ip") {
    throw new DeviceError(
      "E_UNSUPPORTED",
      "persistent: expected a feth (ethernet) device, found a utun, which never is",
    );
  }
  checkMtu("mtuBytes", mtuBytes, MTU_MIN_BYTES, MTU_MAX_BYTES[medium]);
  for (const each of addresses) {
    const address = typeof each === "string" ? each : each.address;
    if (parsePrefix(address).family === 6) {
      checkMtu(`mtuBytes with the IPv6 address ${address}`, mtuBytes, MTU_IPV6_MIN_BYTES, MTU_MAX_BYTES[medium]);
    }
  }
}

function checkMtu(what: string, found: number, min: number, max: number): void {
  if (Number.isInteger(found) && found >= min && found <= max) return;
  throw new DeviceError("E_DEVICE_OPTION", `${what}: expected ${min} to ${max}, found ${found}`);
}
