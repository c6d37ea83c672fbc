// A pair of feth interfaces as a TAP device: the near one is the system's, the far one is ours. Frames for us come out
// of the far one, where a packet filter reads them; those we write go out of it and arrive at the near one. Both stay
// when the process ends, so both are destroyed when the device is closed.
// Sources: net/if_fake_var.h, net/bpf.h, net/ndrv.h.
import { BsdNetwork, check, InterfaceControl, systemError, type Calls } from "@bunnel/bsd";
import { DeviceError } from "@bunnel/device";
import { addressOf } from "@bunnel/ffi";
import { driverRequest, ndrvAddress, peerRequest } from "./structs.ts";
import * as numbers from "./system.ts";

const SOCK_RAW = 3;
const ENOENT = 2;
const EBUSY = 16;
/** Packet filters that one system has at most, as far as we look. */
const FILTERS_MAX = 256;
const BUFFER_BYTES = 131_072;
/** What the system makes of a name without a number. */
const FAMILY = "feth";

export interface Feth {
  readonly name: string;
  readonly peer: string;
  readonly bpfFd: number;
  readonly ndrvFd: number;
  readonly bufferBytes: number;
}

/** @throws DeviceError E_DEVICE_OPTION for a name that feth cannot have */
export function fethName(name: string | undefined): string {
  if (name === undefined || name === "feth%d") return FAMILY;
  if (/^feth(0|[1-9][0-9]{0,4})$/.test(name)) return name;
  throw new DeviceError("E_DEVICE_OPTION", `name: expected "feth" and a number on macOS, found "${name}"`);
}

/**
 * @throws DeviceError E_DEVICE_BUSY when the name is taken, E_DEVICE_DENIED without root, E_DEVICE_MISSING when no
 * packet filter is left
 */
export function openFeth(calls: Calls, wanted: string): Feth {
  const control = new InterfaceControl(calls);
  const made: string[] = [];
  const opened: number[] = [];
  try {
    const name = control.create(wanted);
    made.push(name);
    const peer = control.create(FAMILY);
    made.push(peer);
    pair(control, name, peer);
    control.set(peer, { up: true });
    const bpfFd = openFilter(calls);
    opened.push(bpfFd);
    const bufferBytes = configureFilter(calls, bpfFd, peer);
    const ndrvFd = openWriter(calls, peer);
    return { name, peer, bpfFd, ndrvFd, bufferBytes };
  } catch (error) {
    for (const fd of opened) calls.close(fd);
    for (const name of made.toReversed()) control.destroy(name);
    throw error;
  }
}

/** The octets that a filter wants to be read at once, of a device that another thread has opened. */
export function filterBufferBytes(calls: Calls, bpfFd: number): number {
  const bytes = new Uint8Array(4);
  check("asking for the buffer of a packet filter", calls.ioctl(bpfFd, numbers.BIOCGBLEN, bytes));
  return new DataView(bytes.buffer).getUint32(0, true);
}

/** Both must have it, or frames in between are lost. */
export function setFethMtu(calls: Calls, { name, peer }: Pick<Feth, "name" | "peer">, mtuBytes: number): void {
  const control = new InterfaceControl(calls);
  for (const each of [peer, name]) control.set(each, { mtuBytes });
}

export function fethMac(calls: Calls, name: string): string | undefined {
  using network = new BsdNetwork(calls);
  return network.link(name)?.mac;
}

function pair(control: InterfaceControl, name: string, peer: string): void {
  const argument = peerRequest(peer);
  const command = numbers.IF_FAKE_S_CMD_SET_PEER;
  const request = driverRequest(name, command, addressOf(argument), argument.length);
  check(`pairing ${name} with ${peer}`, control.request(numbers.SIOCSDRVSPEC, request));
}

/** Filters are taken by whoever opens them first. */
function openFilter(calls: Calls): number {
  for (let i = 0; i < FILTERS_MAX; i++) {
    const fd = calls.open(`/dev/bpf${i}`);
    if (fd >= 0) return fd;
    const errno = calls.errno();
    if (errno === ENOENT) break;
    if (errno !== EBUSY) throw systemError(`opening /dev/bpf${i}`, errno);
  }
  throw new DeviceError("E_DEVICE_MISSING", "packet filter: expected a free /dev/bpf, found none");
}

/** The buffer's size comes before the interface, and tells what was granted. */
function configureFilter(calls: Calls, fd: number, peer: string): number {
  const size = new Uint8Array(Uint32Array.of(BUFFER_BYTES).buffer);
  check("setting the buffer of a packet filter", calls.ioctl(fd, numbers.BIOCSBLEN, size));
  const request = new Uint8Array(numbers.DARWIN.layout.requestBytes);
  new TextEncoder().encodeInto(peer, request);
  check(`binding a packet filter to ${peer}`, calls.ioctl(fd, numbers.BIOCSETIF, request));
  check("making a packet filter tell at once", calls.ioctlInt(fd, numbers.BIOCIMMEDIATE, 1));
  check("hiding our own frames from a packet filter", calls.ioctlInt(fd, numbers.BIOCSSEESENT, 0));
  check("keeping our own headers", calls.ioctlInt(fd, numbers.BIOCSHDRCMPLT, 1));
  check("taking all frames", calls.ioctl(fd, numbers.BIOCPROMISC, new Uint8Array(4)));
  return filterBufferBytes(calls, fd);
}

function openWriter(calls: Calls, peer: string): number {
  const fd = calls.socket(numbers.AF_NDRV, SOCK_RAW, 0);
  if (fd < 0) throw systemError("opening a raw socket for frames", calls.errno());
  const address = ndrvAddress(peer);
  const errno = calls.bind(fd, address) || calls.connect(fd, address) || calls.setNonBlocking(fd, true);
  if (errno === 0) return fd;
  calls.close(fd);
  throw systemError(`binding a raw socket to ${peer}`, errno);
}
