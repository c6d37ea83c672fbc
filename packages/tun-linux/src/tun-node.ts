// The character device behind every TUN interface. Source: linux/if_tun.h, linux/if.h, Documentation/networking/tuntap.
import { VNET_HEADER_BYTES } from "@bunnel/abi";
import { DeviceError } from "@bunnel/device";
import { errnoName, fromCString, Struct } from "@bunnel/ffi";
import { systemError } from "./errors.ts";
import { checkLinkName, RouteNetlink } from "./netcfg/index.ts";
import * as sys from "./sys.ts";

const TUN_PATH = "/dev/net/tun";

const TUNSETIFF = 0x400454ca;
const TUNSETOFFLOAD = 0x400454d0;
const TUNGETIFF = 0x800454d2;
const TUNSETVNETHDRSZ = 0x400454d8;

const IFF_TUN = 0x0001;
const IFF_MULTI_QUEUE = 0x0100;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;

const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;

const IFREQ = new Struct("ifreq", 40, {
  name: { at: 0, type: "text", bytes: 16 },
  flags: { at: 16, type: "u16" },
});

/** What the kernel leaves to the device: checksums, cutting TCP, cutting UDP. */
export type Offload = "checksum" | "tcp4" | "tcp6" | "udp";

/** In this order, each only with those before it; the kernel takes both UDP bits or none. */
const OFFLOADS: readonly (readonly [Offload, number])[] = [
  ["checksum", TUN_F_CSUM],
  ["tcp4", TUN_F_TSO4],
  ["tcp6", TUN_F_TSO6],
  ["udp", TUN_F_USO4 | TUN_F_USO6],
];

export interface TunNodeOptions {
  readonly name: string;
  readonly multiQueue: boolean;
  readonly vnetHeader: boolean;
}

/** An open descriptor with an interface behind it. */
export interface TunNode {
  readonly fd: number;
  readonly name: string;
  readonly offloads: readonly Offload[];
}

/**
 * Opens the character device and puts an interface behind it: a new one, or one that waits for its process under that
 * name. An empty name leaves the choice to the system.
 * @throws DeviceError E_DEVICE_MISSING, E_DEVICE_DENIED, E_DEVICE_BUSY, E_DEVICE_OPTION or E_DEVICE_SYSTEM
 */
export function openTunNode(options: TunNodeOptions): TunNode {
  if (options.name !== "") checkLinkName(options.name);
  const fd = sys.openNonBlocking(TUN_PATH);
  if (fd < 0) throw openError(sys.errno());
  try {
    const name = attachInterface(fd, options);
    return { fd, name, offloads: options.vnetHeader ? negotiate(fd, name) : refuseOffload(fd, name) };
  } catch (error) {
    sys.closeFd(fd);
    throw error;
  }
}

/** Whether the descriptor still has an interface behind it. */
export function hasInterface(fd: number): boolean {
  return sys.ioctlMemory(fd, TUNGETIFF, IFREQ.encode({})) === 0;
}

function attachInterface(fd: number, { name, multiQueue, vnetHeader }: TunNodeOptions): string {
  const flags = IFF_TUN | IFF_NO_PI | (multiQueue ? IFF_MULTI_QUEUE : 0) | (vnetHeader ? IFF_VNET_HDR : 0);
  const request = IFREQ.encode({ name, flags });
  const errno = sys.ioctlMemory(fd, TUNSETIFF, request);
  if (errno !== 0) throw attachError(name, errno);
  return fromCString(request.subarray(0, 16));
}

function negotiate(fd: number, name: string): Offload[] {
  const errno = sys.ioctlMemory(fd, TUNSETVNETHDRSZ, new Uint8Array(new Int32Array([VNET_HEADER_BYTES]).buffer));
  if (errno !== 0) throw systemError(`setting the virtio header of ${name}`, errno);
  const accepted: Offload[] = [];
  let mask = 0;
  for (const [offload, bits] of OFFLOADS) {
    if (sys.ioctlNumber(fd, TUNSETOFFLOAD, mask | bits) !== 0) break;
    mask |= bits;
    accepted.push(offload);
  }
  if (accepted.length < OFFLOADS.length) sys.ioctlNumber(fd, TUNSETOFFLOAD, mask);
  return accepted;
}

/** The offloads belong to the interface and outlive the process that asked for them, so they are refused in words. */
function refuseOffload(fd: number, name: string): Offload[] {
  const errno = sys.ioctlNumber(fd, TUNSETOFFLOAD, 0);
  if (errno !== 0) throw systemError(`switching off the offloads of ${name}`, errno);
  return [];
}

function openError(errno: number): DeviceError {
  switch (errno) {
    case sys.ENOENT:
    case sys.ENODEV:
    case sys.ENXIO:
      return new DeviceError(
        "E_DEVICE_MISSING",
        `${TUN_PATH}: expected the kernel's tun driver, found none (${errnoName(errno)}); try "modprobe tun", in a ` +
          `container pass the device in (--device ${TUN_PATH})`,
        errno,
      );
    case sys.EACCES:
    case sys.EPERM:
      return new DeviceError(
        "E_DEVICE_DENIED",
        `opening ${TUN_PATH} needs CAP_NET_ADMIN or the right to write it`,
        errno,
      );
    default:
      return systemError(`opening ${TUN_PATH}`, errno);
  }
}

function attachError(name: string, errno: number): DeviceError {
  const named = name === "" ? "a TUN interface" : `TUN interface "${name}"`;
  if (errno === sys.EPERM || errno === sys.EACCES) {
    return new DeviceError("E_DEVICE_DENIED", `making ${named} needs CAP_NET_ADMIN, or to be its owner`, errno);
  }
  if (errno === sys.EBUSY || (errno === sys.EINVAL && isTaken(name))) {
    return new DeviceError("E_DEVICE_BUSY", `${named}: expected a free name, found an interface that is in use`, errno);
  }
  if (errno === sys.EINVAL) {
    return new DeviceError("E_DEVICE_OPTION", `${named}: expected a name and flags that the kernel takes`, errno);
  }
  return systemError(`making ${named}`, errno);
}

function isTaken(name: string): boolean {
  if (name === "") return false;
  using netlink = RouteNetlink.open();
  return netlink.link(name) !== undefined;
}
