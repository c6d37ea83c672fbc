// A read-only look at what arrives: a packet socket with a filter in the kernel, so that of all traffic only the
// answers to the start of connections (and resets, if asked for) come up.
//
//   uplink → [tap: filter → queue of the socket → `read`] → the system's own TCP, as ever
//
// The socket is of kind ETH_P_ALL on purpose. The kernel serves those before the protocols, so that a SYN,ACK lies in
// the queue before any program can hear that its connection stands, let alone send its first octets.
import { DeviceError, Wake, type DeviceHandOver, type InboundTap, type PacketList } from "@bunnel/device";
import { addressOf } from "@bunnel/ffi";
import { systemError } from "../errors.ts";
import * as sys from "../sys.ts";
import { inboundFilter, REDIRECT_SNAP_BYTES, SNAP_BYTES, TAP_INTERFACES_MAX } from "./inbound-filter.ts";
import { PACKET_OUTGOING } from "./transport-start.ts";
import { QUIC_SNAP_BYTES, quicFilter, type QuicWanted } from "./quic-filter.ts";
import { attachFilter, bindPackets, ignoreOutgoing, openPacketSocket } from "./sys.ts";
import { PacketReceiver, setReceiveBuffer, takeDropped } from "./sys.ts";

const DRIVER = "linux-tap";
const SOCKET_PLACE = 0;
const EVENT_PLACE = 1;
/** Some five thousand packets, by the kernel's own count of what each costs. */
const RECEIVE_BUFFER_BYTES = 4 * 1024 * 1024;

/** What a tap hears. */
export interface InboundTapOptions {
  /** Where packets arrive, at most 64. Default: at any interface but the loopback device, also those to come. */
  readonly interfaceIndexes?: readonly number[];
  /** TCP segments with SYN and ACK. Default true. */
  readonly synAck?: boolean;
  /** TCP segments with RST. Default false. */
  readonly rst?: boolean;
  /**
   * What is forwarded is heard a second time as it leaves, by then with the addresses that its receiver knows, where
   * connection tracking translates them, and with the hop limit that it arrived with. Default false.
   */
  readonly forwarded?: boolean;
  /** TCP segments with FIN. Default false. */
  readonly fin?: boolean;
  /** Segments from port 80 that begin an answer of HTTP/1 with a status of 3xx; 1500 octets of it. Default false. */
  readonly redirects?: boolean;
  /** Octets that wait at most to be read, by the kernel's own count. Default 4 MiB. */
  readonly receiveBufferBytes?: number;
}

/**
 * Opens a tap in the calling thread's network namespace. It hears nothing until `listen(true)`. Packets come whole from
 * their IP header on, or their first 256 octets, of redirects 1500.
 * @throws DeviceError E_DEVICE_DENIED without CAP_NET_RAW, E_DEVICE_OPTION for interfaces that cannot be or a tap that
 * would take nothing, E_UNSUPPORTED or E_DEVICE_SYSTEM where the kernel has no such sockets (Linux 4.20)
 */
export function openInboundTap(options: InboundTapOptions = {}): InboundTap {
  const { interfaceIndexes, receiveBufferBytes = RECEIVE_BUFFER_BYTES } = options;
  const { synAck = true, rst = false, fin = false, redirects = false, forwarded = false } = options;
  checkInterfaces(interfaceIndexes);
  if (!synAck && !rst && !fin && !redirects) {
    throw new DeviceError("E_DEVICE_OPTION", "tap: expected synAck, rst, fin or redirects, found none of them");
  }
  const program = inboundFilter({
    synAck,
    rst,
    fin,
    redirects,
    outgoing: forwarded,
    ...(interfaceIndexes !== undefined && { interfaceIndexes }),
  });
  const how = { forwarded, receiveBufferBytes, snapBytes: redirects ? REDIRECT_SNAP_BYTES : SNAP_BYTES };
  return openTap(program, how);
}

/** A tap that follows QUIC. */
export interface QuicTap extends InboundTap {
  /** Hears something else from now on; of ports the first 64 count. */
  follow(wanted: QuicWanted): void;
}

/**
 * Opens a tap for datagrams of QUIC that arrive from port 443, as `openInboundTap` does. The first 128 octets of each
 * come.
 * @throws DeviceError as `openInboundTap`
 */
export function openQuicTap(
  wanted: QuicWanted,
  options: Pick<InboundTapOptions, "forwarded" | "receiveBufferBytes"> = {},
): QuicTap {
  const { forwarded = false, receiveBufferBytes = RECEIVE_BUFFER_BYTES } = options;
  return openTap(quicFilter(wanted, forwarded), { forwarded, receiveBufferBytes, snapBytes: QUIC_SNAP_BYTES });
}

interface OpenTap {
  readonly forwarded: boolean;
  readonly receiveBufferBytes: number;
  readonly snapBytes: number;
}

function openTap(program: Uint8Array, { forwarded, receiveBufferBytes, snapBytes }: OpenTap): LinuxInboundTap {
  const fd = openPacketSocket();
  if (fd < 0) throw openError("opening a packet socket", sys.errno());
  const eventFd = sys.openEvent();
  if (eventFd < 0) {
    const errno = sys.errno();
    sys.closeFd(fd);
    throw openError("opening an event", errno);
  }
  const tap = new LinuxInboundTap({ fd, eventFd, forwarded }, true, snapBytes);
  const errno =
    (forwarded ? 0 : ignoreOutgoing(fd)) || setReceiveBuffer(fd, receiveBufferBytes) || attachFilter(fd, program);
  if (errno === 0) return tap;
  tap.close();
  throw openError("setting up a packet socket", errno);
}

/**
 * The same tap in another thread of this process, from `handOver()`. It borrows: `close` here closes nothing.
 * @throws DeviceError E_DEVICE_OPTION when the hand-over is another driver's
 */
export function openTransferredTap(handOver: DeviceHandOver): InboundTap {
  const { driver, fd, eventFd, forwarded } = handOver;
  if (driver !== DRIVER || typeof fd !== "number" || typeof eventFd !== "number") {
    throw new DeviceError("E_DEVICE_OPTION", `hand-over: expected one of driver "${DRIVER}", found "${driver}"`);
  }
  return new LinuxInboundTap({ fd, eventFd, forwarded: forwarded === true }, false, SNAP_BYTES);
}

/** What both threads of a tap share. */
interface TapPlaces {
  readonly fd: number;
  readonly eventFd: number;
  readonly forwarded: boolean;
}

class LinuxInboundTap implements QuicTap {
  readonly #fd: number;
  readonly #eventFd: number;
  readonly #owner: boolean;
  readonly #calls = sys.packetCalls();
  /** Undefined: nothing of what this machine sends is heard. */
  readonly #receiver: PacketReceiver | undefined;
  readonly #poll = new sys.PollSet(2);
  /** Kept so that it stays where it is while the kernel copies it. */
  #program: Uint8Array | undefined;
  /** Kept so that it stays where it is. */
  #memory: ArrayBufferLike | undefined;
  #octets: Uint8Array = new Uint8Array();
  #base = 0;
  #dropped = 0;
  #open = true;

  constructor(
    { fd, eventFd, forwarded }: TapPlaces,
    owner: boolean,
    readonly snapBytes: number,
  ) {
    this.#receiver = forwarded ? new PacketReceiver() : undefined;
    this.#fd = fd;
    this.#eventFd = eventFd;
    this.#owner = owner;
    this.#poll.set(SOCKET_PLACE, fd);
    this.#poll.set(EVENT_PLACE, eventFd);
  }

  get dropped(): number {
    if (this.#open) this.#dropped += Math.max(takeDropped(this.#fd), 0);
    return this.#dropped;
  }

  attach(memory: ArrayBufferLike): void {
    this.#mustBeOpen();
    this.#memory = memory;
    this.#octets = new Uint8Array(memory);
    this.#base = addressOf(memory);
  }

  listen(on: boolean): void {
    this.#mustBeOpen();
    const errno = bindPackets(this.#fd, on);
    if (errno !== 0) throw openError("binding a packet socket", errno);
  }

  follow(wanted: QuicWanted): void {
    this.#mustBeOpen();
    this.#program = quicFilter(wanted, this.#receiver !== undefined);
    const errno = attachFilter(this.#fd, this.#program);
    if (errno !== 0) throw openError("filtering a packet socket", errno);
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    this.#mustBeOpen();
    const memory = this.#memory;
    if (!memory) throw new DeviceError("E_DEVICE_STATE", "tap: expected a memory by attach(), found none");
    const { at, lengths } = list;
    const room = Math.min(maxBytes, this.snapBytes);
    let interrupted = 0;
    let i = from;
    while (i < at.length) {
      const start = at[i] ?? 0;
      if (start + room > memory.byteLength) {
        throw new RangeError(`packet at ${start} of ${room} octets: expected 0 to ${memory.byteLength}, found outside`);
      }
      const bytes = (this.#receiver ?? this.#calls).read(this.#fd, this.#base + start, room);
      if (bytes > 0) {
        lengths[i] = bytes;
        if (this.#receiver?.kind === PACKET_OUTGOING) this.#addHop(start);
        i++;
      } else if (bytes < 0 && this.#isDry(sys.errno(), interrupted++)) {
        break;
      }
    }
    return i - from;
  }

  wait(timeoutMs: number): Wake {
    if (!this.#open) return Wake.Closed;
    const ready = this.#poll.poll(timeoutMs);
    if (ready === 0) return Wake.Timeout;
    if (ready < 0) {
      const errno = sys.errno();
      // Whom a signal woke looks again.
      if (errno === sys.EINTR) return Wake.Woken;
      throw systemError("waiting for a tap", errno);
    }
    if (this.#poll.found(EVENT_PLACE) !== 0) {
      sys.lowerEvent(this.#eventFd);
      return Wake.Woken;
    }
    return this.#poll.found(SOCKET_PLACE) & sys.POLLNVAL ? Wake.Closed : Wake.Readable;
  }

  wake(): void {
    if (this.#open) sys.raiseEvent(this.#eventFd);
  }

  handOver(): DeviceHandOver {
    this.#mustBeOpen();
    return { driver: DRIVER, fd: this.#fd, eventFd: this.#eventFd, forwarded: this.#receiver !== undefined };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#memory = undefined;
    this.#octets = new Uint8Array();
    if (!this.#owner) return;
    sys.raiseEvent(this.#eventFd);
    sys.closeFd(this.#fd);
    sys.closeFd(this.#eventFd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /**
   * What was forwarded has one hop less than it came with. The header's checksum stays: nobody sums what was only
   * looked at. Written and read by atomic operations, which the run-time never leaves out around a system call.
   */
  #addHop(start: number): void {
    const version = Atomics.load(this.#octets, start) >> 4;
    Atomics.add(this.#octets, start + (version === 6 ? IPV6_HOP_LIMIT_AT : IPV4_TTL_AT), 1);
  }

  /** An interface that goes down says so once (ENETDOWN); the socket hears the others on. */
  #isDry(errno: number, failures: number): boolean {
    if (errno === sys.EAGAIN || failures >= sys.EINTR_RETRIES_MAX) return true;
    if (errno === sys.EINTR || errno === ENETDOWN) return false;
    throw systemError("reading from a tap", errno);
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new DeviceError("E_DEVICE_GONE", "tap: expected open, found closed");
  }
}

const ENETDOWN = 100; // asm-generic/errno.h
// RFC 791 section 3.1, RFC 8200 section 3
const IPV4_TTL_AT = 8;
const IPV6_HOP_LIMIT_AT = 7;

function checkInterfaces(indexes: readonly number[] | undefined): void {
  if (indexes === undefined) return;
  if (indexes.length < 1 || indexes.length > TAP_INTERFACES_MAX) {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `tap interfaces: expected 1…${TAP_INTERFACES_MAX}, found ${indexes.length}`,
    );
  }
  for (const index of indexes) {
    if (!Number.isInteger(index) || index < 1 || index > 0x7fffffff) {
      throw new DeviceError("E_DEVICE_OPTION", `tap interface: expected an index from 1, found ${index}`);
    }
  }
}

function openError(what: string, errno: number): DeviceError {
  if (errno === sys.EPERM) return new DeviceError("E_DEVICE_DENIED", `${what} needs CAP_NET_RAW`, errno);
  return systemError(what, errno);
}
