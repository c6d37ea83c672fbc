// Opening a device: options are checked, the interface is made, then set as asked. If one fails, nothing stays.
import { DeviceError, type DeviceOptions } from "@bunnel/device";
import { VNET_HEADER_BYTES } from "@bunnel/abi";
import { checkOptions } from "./check-options.ts";
import { configure, linkOf } from "./configure.ts";
import { LinuxTun } from "./device.ts";
import { systemError } from "./errors.ts";
import { inNamespaceOf } from "./namespace.ts";
import { RouteNetlink } from "./netcfg/index.ts";
import * as sys from "./sys.ts";
import { openTunNode, type TunNodeOptions } from "./tun-node.ts";
import { describeDescriptor } from "./tun-requests.ts";

/**
 * Makes a TUN interface in the calling thread's network namespace, or takes over a persistent one of that name that no
 * process has open. Unless it is persistent it goes with the last descriptor: its addresses and routes with it.
 * @throws DeviceError E_DEVICE_MISSING without the tun driver, E_DEVICE_DENIED without CAP_NET_ADMIN, E_DEVICE_BUSY
 * when the name is taken, E_DEVICE_GONE when there is nothing to attach to, E_DEVICE_OPTION for options that cannot be,
 * E_DEVICE_SYSTEM with an errno otherwise
 */
export function openLinuxTun(options: DeviceOptions = {}): LinuxTun {
  checkOptions(options);
  if (options.attach) return attach(options);
  const device = open(nodeOptions(options));
  try {
    configure({ fd: device.fd, name: device.name, medium: device.capabilities.medium, index: device.index }, options);
    if (options.deleteOnClose) device.set({ deleteOnClose: true });
    return device;
  } catch (error) {
    device.close();
    throw error;
  }
}

/** A TAP interface, which carries Ethernet frames. Otherwise as `openLinuxTun`. */
export function openLinuxTap(options: Omit<DeviceOptions, "medium"> = {}): LinuxTun {
  return openLinuxTun({ ...options, medium: "ethernet" });
}

/**
 * Another queue of the same device, with its own descriptor and event; the kernel spreads flows over the queues.
 * @throws DeviceError E_DEVICE_STATE when the first was opened without `multiQueue`, E_DEVICE_GONE when it is closed
 */
export function openTunQueue(first: LinuxTun): LinuxTun {
  const { name } = first;
  const described = describeDescriptor(first.fd);
  if (!described)
    throw new DeviceError("E_DEVICE_GONE", `device ${name}: expected it open, found it closed or deleted`);
  if (!first.multiQueue) {
    throw new DeviceError("E_DEVICE_STATE", `device ${name}: expected it opened with multiQueue, found one queue`);
  }
  const { vnetHeaderBytes = 0, packetInformation = false } = first.capabilities;
  const options = { ...described, vnetHeaderBytes, packetInformation, exclusive: false };
  return inNamespaceOf(first.fd, () => open(options));
}

/** An interface that is there already, as it is. */
function attach(options: DeviceOptions): LinuxTun {
  const { name = "", sendBufferBytes, deleteOnClose = false } = options;
  const before = indexOf(name);
  if (before === 0) throw new DeviceError("E_DEVICE_GONE", `attaching to "${name}": expected an interface, found none`);
  const device = open(nodeOptions(options));
  try {
    if (device.index !== before) {
      // The interface was deleted in between, and opening its name made a new one.
      throw new DeviceError("E_DEVICE_GONE", `attaching to "${name}": expected the interface, found it deleted`);
    }
    device.set({ deleteOnClose, ...(sendBufferBytes === undefined ? {} : { sendBufferBytes }) });
    return device;
  } catch (error) {
    device.close();
    throw error;
  }
}

function nodeOptions(options: DeviceOptions): TunNodeOptions {
  const { offload = false, vnetHeaderBytes = VNET_HEADER_BYTES, index } = options;
  return {
    name: options.name ?? "",
    ...(index === undefined ? {} : { index }),
    medium: options.medium ?? "ip",
    multiQueue: options.multiQueue ?? false,
    packetInformation: options.packetInformation ?? false,
    vnetHeaderBytes: offload ? vnetHeaderBytes : 0,
    napi: options.napi ?? false,
    exclusive: options.exclusive ?? false,
  };
}

function open(options: TunNodeOptions): LinuxTun {
  const { medium, multiQueue, packetInformation, vnetHeaderBytes } = options;
  const node = openTunNode(options);
  const eventFd = sys.openEvent();
  try {
    if (eventFd < 0) throw systemError("opening an event", sys.errno());
    using netlink = RouteNetlink.open();
    const { index } = linkOf(netlink, node.name);
    const parts = { ...node, eventFd, index, medium, multiQueue, packetInformation, vnetHeaderBytes };
    return new LinuxTun({ ...parts, ownership: "owned" });
  } catch (error) {
    if (eventFd >= 0) sys.closeFd(eventFd);
    sys.closeFd(node.fd);
    throw error;
  }
}

function indexOf(name: string): number {
  using netlink = RouteNetlink.open();
  return netlink.link(name)?.index ?? 0;
}
