// The character device behind every TUN and TAP interface. Source: linux/if_tun.h, Documentation/networking/tuntap.
import type { Medium } from "@bunnel/device";
import { fromCString } from "@bunnel/ffi";
import { systemError } from "./errors.ts";
import { checkLinkName } from "./netcfg/index.ts";
import * as sys from "./sys.ts";
import { attachError, openError } from "./tun-error.ts";
import * as tun from "./tun-requests.ts";

const TUN_F_CSUM = 0x01;
const TUN_F_TSO4 = 0x02;
const TUN_F_TSO6 = 0x04;
const TUN_F_USO4 = 0x20;
const TUN_F_USO6 = 0x40;

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
  /** Empty: the system's choice. */
  readonly name: string;
  readonly index?: number;
  readonly medium: Medium;
  readonly multiQueue: boolean;
  readonly packetInformation: boolean;
  /** 0: no virtio header. */
  readonly vnetHeaderBytes: number;
  readonly napi: boolean;
  readonly exclusive: boolean;
}

/** An open descriptor with an interface behind it. */
export interface TunNode {
  readonly fd: number;
  readonly name: string;
  readonly offloads: readonly Offload[];
}

/** A descriptor of the TUN driver without an interface. */
export function openDriver(): number {
  const fd = sys.openNonBlocking(tun.TUN_PATH);
  if (fd < 0) throw openError(sys.errno());
  return fd;
}

/**
 * Opens the character device and puts an interface behind it: a new one, or one that waits for its process under that
 * name.
 * @throws DeviceError E_DEVICE_MISSING, E_DEVICE_DENIED, E_DEVICE_BUSY, E_DEVICE_OPTION or E_DEVICE_SYSTEM
 */
export function openTunNode(options: TunNodeOptions): TunNode {
  if (options.name !== "") checkLinkName(options.name);
  const fd = openDriver();
  try {
    const name = attachInterface(fd, options);
    const { vnetHeaderBytes } = options;
    return { fd, name, offloads: vnetHeaderBytes > 0 ? negotiate(fd, name, vnetHeaderBytes) : refuseOffload(fd, name) };
  } catch (error) {
    sys.closeFd(fd);
    throw error;
  }
}

function attachInterface(fd: number, options: TunNodeOptions): string {
  if (options.index !== undefined) {
    const errno = sys.ioctlMemory(fd, tun.TUNSETIFINDEX, tun.word(options.index));
    if (errno !== 0) throw systemError(`asking for the interface index ${options.index}`, errno);
  }
  const request = tun.IFREQ.encode({ name: options.name, flags: flagsOf(options) });
  const errno = sys.ioctlMemory(fd, tun.TUNSETIFF, request);
  if (errno !== 0) throw attachError(options, errno);
  return fromCString(request.subarray(0, 16));
}

function flagsOf(options: TunNodeOptions): number {
  return (
    (options.medium === "ip" ? tun.IFF_TUN : tun.IFF_TAP) |
    (options.packetInformation ? 0 : tun.IFF_NO_PI) |
    (options.multiQueue ? tun.IFF_MULTI_QUEUE : 0) |
    (options.vnetHeaderBytes > 0 ? tun.IFF_VNET_HDR : 0) |
    (options.napi ? tun.IFF_NAPI : 0) |
    (options.exclusive ? tun.IFF_TUN_EXCL : 0)
  );
}

function negotiate(fd: number, name: string, headerBytes: number): Offload[] {
  const errno = sys.ioctlMemory(fd, tun.TUNSETVNETHDRSZ, tun.word(headerBytes));
  if (errno !== 0) throw systemError(`setting the virtio header of ${name}`, errno);
  const accepted: Offload[] = [];
  let mask = 0;
  for (const [offload, bits] of OFFLOADS) {
    if (sys.ioctlNumber(fd, tun.TUNSETOFFLOAD, mask | bits) !== 0) break;
    mask |= bits;
    accepted.push(offload);
  }
  if (accepted.length < OFFLOADS.length) sys.ioctlNumber(fd, tun.TUNSETOFFLOAD, mask);
  return accepted;
}

/** The offloads belong to the interface and outlive the process that asked for them, so they are refused in words. */
function refuseOffload(fd: number, name: string): Offload[] {
  const errno = sys.ioctlNumber(fd, tun.TUNSETOFFLOAD, 0);
  if (errno !== 0) throw systemError(`switching off the offloads of ${name}`, errno);
  return [];
}
