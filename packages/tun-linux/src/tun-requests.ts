// What can be asked of and told to a TUN descriptor. Sources: linux/if_tun.h, linux/if.h, linux/sockios.h.
import { DeviceError, type Medium } from "@bunnel/device";
import { fromCString, Struct } from "@bunnel/ffi";
import { systemError } from "./errors.ts";
import { formatMac, parseMac } from "./netcfg/mac-text.ts";
import * as sys from "./sys.ts";

export const TUN_PATH = "/dev/net/tun";

const TUNSETDEBUG = 0x400454c9;
export const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const TUNSETOWNER = 0x400454cc;
const TUNSETLINK = 0x400454cd;
const TUNSETGROUP = 0x400454ce;
const TUNGETFEATURES = 0x800454cf;
export const TUNSETOFFLOAD = 0x400454d0;
const TUNGETIFF = 0x800454d2;
const TUNGETSNDBUF = 0x800454d3;
const TUNSETSNDBUF = 0x400454d4;
const TUNGETVNETHDRSZ = 0x800454d7;
export const TUNSETVNETHDRSZ = 0x400454d8;
const TUNSETQUEUE = 0x400454d9;
export const TUNSETIFINDEX = 0x400454da;
const TUNSETCARRIER = 0x400454e2;
const TUNGETDEVNETNS = 0x54e3;
/** INT_MAX: no limit, as a device is made. */
const SEND_BUFFER_MAX_BYTES = 0x7fff_ffff;
const SIOCSIFHWADDR = 0x8924;
const SIOCGIFHWADDR = 0x8927;

export const IFF_TUN = 0x0001;
export const IFF_TAP = 0x0002;
export const IFF_NAPI = 0x0010;
export const IFF_MULTI_QUEUE = 0x0100;
const IFF_ATTACH_QUEUE = 0x0200;
const IFF_DETACH_QUEUE = 0x0400;
const IFF_PERSIST = 0x0800;
export const IFF_NO_PI = 0x1000;
export const IFF_VNET_HDR = 0x4000;
export const IFF_TUN_EXCL = 0x8000;
/** linux/if_arp.h: the family of an Ethernet hardware address. */
const ARPHRD_ETHER = 1;

export const IFREQ = new Struct("ifreq", 40, {
  name: { at: 0, type: "text", bytes: 16 },
  flags: { at: 16, type: "u16" },
});

/** The same with a hardware address: | name | family u16 | octets … | */
const IFREQ_HARDWARE = new Struct("ifreq", 40, {
  name: { at: 0, type: "text", bytes: 16 },
  family: { at: 16, type: "u16" },
  mac: { at: 18, type: "octets", bytes: 6 },
});

/**
 * What a descriptor tells of itself and of the interface behind it. Whether there is packet information it does not
 * tell: the bit that says so (IFF_NO_PI) also says that no filter is attached (IFF_NOFILTER).
 */
export interface TunDescriptor {
  readonly name: string;
  readonly medium: Medium;
  readonly vnetHeader: boolean;
  readonly multiQueue: boolean;
  readonly napi: boolean;
  readonly persistent: boolean;
  readonly queue: "attached" | "detached";
}

/** Undefined: no interface is behind it, or the descriptor is none of the TUN driver; then `sys.errno()` says which. */
export function describeDescriptor(fd: number): TunDescriptor | undefined {
  const request = new Uint8Array(IFREQ.bytes);
  if (sys.ioctlMemory(fd, TUNGETIFF, request) !== 0) return undefined;
  const { flags } = IFREQ.decode(request);
  return {
    name: fromCString(request.subarray(0, 16)),
    medium: (flags & IFF_TAP) === 0 ? "ip" : "ethernet",
    vnetHeader: (flags & IFF_VNET_HDR) !== 0,
    multiQueue: (flags & IFF_MULTI_QUEUE) !== 0,
    napi: (flags & IFF_NAPI) !== 0,
    persistent: (flags & IFF_PERSIST) !== 0,
    queue: (flags & IFF_DETACH_QUEUE) === 0 ? "attached" : "detached",
  };
}

/** Whether the descriptor still has an interface behind it. */
export function hasInterface(fd: number): boolean {
  return describeDescriptor(fd) !== undefined;
}

/** The feature bits of the driver: IFF_* that it knows. */
export function readFeatures(fd: number): number {
  return readWord(fd, TUNGETFEATURES, "asking for the features of the TUN driver");
}

export function sendBufferBytes(fd: number): number {
  return readWord(fd, TUNGETSNDBUF, "asking for the send buffer");
}

/** Whether it is a TUN device on which no write ever finds the queue full: its limit is as it was made with. */
export function takesAllWrites(fd: number): boolean {
  const memory = word(0);
  if (sys.ioctlMemory(fd, TUNGETSNDBUF, memory) !== 0) return false;
  return new DataView(memory.buffer).getInt32(0, true) === SEND_BUFFER_MAX_BYTES;
}

export function vnetHeaderBytes(fd: number): number {
  return readWord(fd, TUNGETVNETHDRSZ, "asking for the size of the virtio header");
}

/** Hardware address of an Ethernet device. */
export function readMac(fd: number): string {
  const request = new Uint8Array(IFREQ_HARDWARE.bytes);
  const errno = sys.ioctlMemory(fd, SIOCGIFHWADDR, request);
  if (errno !== 0) throw systemError("asking for the hardware address", errno);
  return formatMac(IFREQ_HARDWARE.decode(request).mac);
}

/** Descriptor of the network namespace that the interface is in; undefined without the right to ask. */
export function namespaceOf(fd: number): number | undefined {
  const namespace = sys.ioctlDescriptor(fd, TUNGETDEVNETNS);
  return namespace < 0 ? undefined : namespace;
}

/** Each sets one thing and gives 0, or the errno. */
export const tell = {
  persistent: (fd: number, isOn: boolean) => sys.ioctlNumber(fd, TUNSETPERSIST, isOn ? 1 : 0),
  owner: (fd: number, uid: number) => sys.ioctlNumber(fd, TUNSETOWNER, uid),
  group: (fd: number, gid: number) => sys.ioctlNumber(fd, TUNSETGROUP, gid),
  linkType: (fd: number, type: number) => sys.ioctlNumber(fd, TUNSETLINK, type),
  logMask: (fd: number, mask: number) => sys.ioctlNumber(fd, TUNSETDEBUG, mask),
  carrier: (fd: number, isOn: boolean) => sys.ioctlMemory(fd, TUNSETCARRIER, word(isOn ? 1 : 0)),
  sendBufferBytes: (fd: number, bytes: number) => sys.ioctlMemory(fd, TUNSETSNDBUF, word(bytes)),
  queue: (fd: number, queue: "attached" | "detached") => {
    const flags = queue === "attached" ? IFF_ATTACH_QUEUE : IFF_DETACH_QUEUE;
    return sys.ioctlMemory(fd, TUNSETQUEUE, IFREQ.encode({ name: "", flags }));
  },
  mac: (fd: number, mac: string) => {
    const request = IFREQ_HARDWARE.encode({ name: "", family: ARPHRD_ETHER, mac: parseMac(mac) });
    return sys.ioctlMemory(fd, SIOCSIFHWADDR, request);
  },
} as const;

/** Memory that holds an int. */
export function word(value: number): Uint8Array {
  return new Uint8Array(new Int32Array([value]).buffer);
}

function readWord(fd: number, request: number, doing: string): number {
  const memory = word(0);
  const errno = sys.ioctlMemory(fd, request, memory);
  if (errno === sys.EBADFD)
    throw new DeviceError("E_DEVICE_GONE", `${doing}: expected an interface, found none`, errno);
  if (errno !== 0) throw systemError(doing, errno);
  return new DataView(memory.buffer).getInt32(0, true);
}
