// Which packets come up to a device, and by which of its queues: decided in the kernel. Source: linux/if_tun.h.
import { DeviceError } from "@bunnel/device";
import type { LinuxTun } from "./device.ts";
import { systemError } from "./errors.ts";
import { parseMac } from "./netcfg/mac-text.ts";
import * as sys from "./sys.ts";
import { hasInterface, word } from "./tun-requests.ts";

const TUNSETTXFILTER = 0x400454d1;
const TUNSETSTEERINGEBPF = 0x800454e0;
const TUNSETFILTEREBPF = 0x800454e1;
const TUN_FLT_ALLMULTI = 0x0001;
const MAC_BYTES = 6;
/** Addresses that one filter can name. */
const MACS_MAX = 256;
/**
 * The kernel compares so many and looks the others up by a hash of multicast addresses; one that is no such address
 * among those would switch the filter off (update_filter() of drivers/net/tun.c, FLT_EXACT_COUNT).
 */
const EXACT_MAX = 8;
const NO_PROGRAM = -1;

/** Which frames come up to a TAP device. */
export interface FrameFilter {
  /**
   * Destination addresses that come up: "02:00:00:00:00:01", at most eight that are not multicast. Broadcasts come up
   * only when they are named.
   */
  readonly macs: readonly string[];
  /** Every multicast frame comes up. Default false. */
  readonly allMulticast?: boolean;
}

/**
 * Lets only some frames come up to a TAP device, by their destination; undefined: all again. Among multicast addresses
 * behind the eighth the kernel's filter is coarse: it may let more of them through.
 * @throws DeviceError E_DEVICE_OPTION for what is no address, E_UNSUPPORTED for a TUN device, E_DEVICE_GONE
 */
export function filterFrames(device: LinuxTun, filter: FrameFilter | undefined): void {
  if (device.capabilities.medium !== "ethernet") {
    throw new DeviceError(
      "E_UNSUPPORTED",
      `frame filter of ${device.name}: expected an ethernet device, found a TUN one`,
    );
  }
  const macs = filter?.macs ?? [];
  if (macs.length > MACS_MAX || (filter && macs.length === 0)) {
    throw new DeviceError("E_DEVICE_OPTION", `frame filter: expected 1 to ${MACS_MAX} addresses, found ${macs.length}`);
  }
  const addresses = exactFirst(macs.map(parseMac));
  // | flags u16 | count u16 | addresses, six octets each |
  const octets = new Uint8Array(4 + macs.length * MAC_BYTES);
  const view = new DataView(octets.buffer);
  view.setUint16(0, filter?.allMulticast ? TUN_FLT_ALLMULTI : 0, true);
  view.setUint16(2, macs.length, true);
  for (const [i, address] of addresses.entries()) octets.set(address, 4 + i * MAC_BYTES);
  tell(device, "frame filter", TUNSETTXFILTER, octets);
}

/** Those that must be compared, then the multicast ones, whose first octet is odd. */
function exactFirst(addresses: readonly Uint8Array[]): Uint8Array[] {
  const isMulticast = ([first = 0]: Uint8Array) => (first & 1) === 1;
  const single = addresses.filter((address) => !isMulticast(address));
  if (single.length <= EXACT_MAX) return [...single, ...addresses.filter(isMulticast)];
  const expected = `expected at most ${EXACT_MAX} addresses that are not multicast`;
  throw new DeviceError("E_DEVICE_OPTION", `frame filter: ${expected}, found ${single.length}`);
}

/**
 * Has a program of type BPF_PROG_TYPE_SOCKET_FILTER choose the queue of each packet: its answer, modulo the queues that
 * are attached. Undefined: the kernel chooses by flow again. The device holds the program, so the descriptor may be
 * closed.
 * @throws DeviceError E_DEVICE_OPTION when the descriptor is no such program, E_DEVICE_GONE
 */
export function steerFlows(device: LinuxTun, program: number | undefined): void {
  tell(device, "steering program", TUNSETSTEERINGEBPF, word(program ?? NO_PROGRAM));
}

/**
 * Has a program of type BPF_PROG_TYPE_SOCKET_FILTER choose how many octets of each packet come up; 0: it is dropped.
 * Undefined: all come up again. Otherwise as `steerFlows`.
 */
export function filterPackets(device: LinuxTun, program: number | undefined): void {
  tell(device, "filter program", TUNSETFILTEREBPF, word(program ?? NO_PROGRAM));
}

function tell(device: LinuxTun, what: string, request: number, memory: Uint8Array): void {
  const errno = sys.ioctlMemory(device.fd, request, memory);
  if (errno === 0) return;
  if (!hasInterface(device.fd)) {
    throw new DeviceError("E_DEVICE_GONE", `${what} of ${device.name}: expected it open, found it closed or deleted`);
  }
  if (errno === sys.EINVAL || errno === sys.EBADF) {
    throw new DeviceError("E_DEVICE_OPTION", `${what} of ${device.name}: expected a socket filter, found none`, errno);
  }
  throw systemError(`setting the ${what} of ${device.name}`, errno);
}
