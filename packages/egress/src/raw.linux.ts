// The way out of packet mode on Linux: finished packets leave by raw sockets that carry a mark, so that they are not
// taken for interception again.
//
//   1. `send` splits the burst into runs of one address family; packets keep their order.
//   2. A run is put into that family's message table in the scratch range.
//   3. sendmmsg(2) takes as much of the run as it can: a packet that is refused is counted and stepped over, a full
//      queue ends the call.
import { DeviceError, type PacketList } from "@bunnel/device";
import type { Egress, EgressCapabilities, EgressCounters, EgressHandOver } from "./egress.ts";
import { IPV4, IPV6, MessageTable, tableBytes, type AddressFamily } from "./message-table.ts";
import * as sys from "./sys.ts";

/** How raw sockets are opened. */
export interface RawEgressOptions {
  /** SO_MARK of every packet, 1…0x7fffffff. */
  readonly mark: number;
  /** Octets that each of the two sockets queues at most, by the system's own count. Default 8 MiB. */
  readonly sendBufferBytes?: number;
}

/** Packets of one system call; two tables of this size fit into the smallest scratch range. */
const MESSAGES_MAX = 256;
const SCRATCH_MIN_BYTES = 65536;
const SEND_BUFFER_BYTES = 8 * 1024 * 1024;
const NAME = "raw-linux";
/** Stands for a socket that is not there, in the hand-over. */
const NO_SOCKET = -1;

/**
 * Opens a raw socket for each address family. What the sockets send:
 * - IPv4 (raw(7)): the header checksum and the total length are filled in by the system, an identification of 0 is
 *   replaced unless DF is set; everything else leaves as it is, fragments too.
 * - IPv6: nothing is changed. To a link-local destination the routing table chooses the interface, since the packet
 *   does not name it.
 *
 * A packet longer than the MTU of the route's device is refused (EMSGSIZE), one that a firewall drops too (EPERM).
 * Where the system has no IPv6, IPv6 packets are refused (EAFNOSUPPORT). What is shorter than a header or of an unknown
 * version is refused without asking the system (EINVAL).
 *
 * @throws DeviceError E_DEVICE_DENIED without CAP_NET_RAW, or CAP_NET_ADMIN for the mark
 */
export function openRawEgress(options: RawEgressOptions): Egress {
  const { mark, sendBufferBytes = SEND_BUFFER_BYTES } = options;
  if (!Number.isInteger(mark) || mark < 1 || mark > 0x7fffffff) {
    throw new DeviceError("E_DEVICE_OPTION", `mark: expected 1…0x7fffffff, found ${mark}`);
  }
  sys.prepare();
  const socket4 = openSocket(sys.rawSocket4(), "IPv4", mark, sendBufferBytes);
  let socket6 = NO_SOCKET;
  try {
    socket6 = openSocket6(mark, sendBufferBytes);
  } catch (error) {
    sys.closeFile(socket4);
    throw error;
  }
  return new RawEgress(socket4, socket6, mark);
}

/**
 * Takes a raw egress in another thread of the same process, with descriptors of its own: whoever closes first does not
 * disturb the other. The giver must be open until this returns.
 * @throws DeviceError E_DEVICE_STATE when the giver was closed, E_DEVICE_OPTION when it is not a raw egress
 */
export function openTransferred(handOver: EgressHandOver): Egress {
  const { egress, socket4, socket6, mark } = handOver;
  if (egress !== NAME || typeof socket4 !== "number" || typeof socket6 !== "number" || typeof mark !== "number") {
    throw new DeviceError("E_DEVICE_OPTION", `hand-over: expected a raw-linux egress, found "${egress}"`);
  }
  sys.prepare();
  const mine4 = takeSocket(socket4, mark);
  try {
    return new RawEgress(mine4, socket6 === NO_SOCKET ? NO_SOCKET : takeSocket(socket6, mark), mark);
  } catch (error) {
    sys.closeFile(mine4);
    throw error;
  }
}

/** One family's socket and its messages. */
interface Way {
  readonly family: AddressFamily;
  readonly fd: number;
  readonly table: MessageTable;
}

class RawEgress implements Egress {
  readonly capabilities: EgressCapabilities = { name: NAME, vnetHeader: false };
  readonly #socket4: number;
  readonly #socket6: number;
  readonly #mark: number;
  readonly #refused = new Map<number, number>();
  #sent = 0;
  #refusedCount = 0;
  #octets: Uint8Array | undefined;
  #way4: Way | undefined;
  #way6: Way | undefined;
  #closed = false;

  constructor(socket4: number, socket6: number, mark: number) {
    this.#socket4 = socket4;
    this.#socket6 = socket6;
    this.#mark = mark;
  }

  attach(memory: ArrayBufferLike, scratchAt: number, scratchBytes: number): void {
    if (scratchAt % 8 !== 0 || scratchBytes < SCRATCH_MIN_BYTES || scratchAt + scratchBytes > memory.byteLength) {
      throw new DeviceError(
        "E_DEVICE_OPTION",
        `scratch range: expected at least ${SCRATCH_MIN_BYTES} octets within the memory from a multiple of 8, ` +
          `found ${scratchBytes} from ${scratchAt} in ${memory.byteLength}`,
      );
    }
    const view = new DataView(memory);
    const base = sys.addressOf(memory);
    const table4 = new MessageTable(view, base, scratchAt, IPV4, MESSAGES_MAX);
    const at6 = scratchAt + tableBytes(IPV4, MESSAGES_MAX);
    const table6 = new MessageTable(view, base, at6, IPV6, MESSAGES_MAX);
    this.#octets = new Uint8Array(memory);
    this.#way4 = { family: IPV4, fd: this.#socket4, table: table4 };
    this.#way6 = { family: IPV6, fd: this.#socket6, table: table6 };
  }

  /** @throws DeviceError E_DEVICE_STATE before `attach` and after `close` */
  send(list: PacketList, from: number, to: number): number {
    if (this.#closed) throw new DeviceError("E_DEVICE_STATE", "raw egress: send after close");
    if (this.#octets === undefined) throw new DeviceError("E_DEVICE_STATE", "raw egress: send before attach");
    let next = from;
    while (next < to) {
      const way = this.#wayOf(list, next, this.#octets);
      if (way === undefined || way.fd === NO_SOCKET) {
        this.#refuse(way === undefined ? sys.EINVAL : sys.EAFNOSUPPORT);
        next++;
        continue;
      }
      const count = this.#fill(way, list, next, to, this.#octets);
      const taken = this.#flush(way, count);
      next += taken;
      if (taken < count) break;
    }
    return next - from;
  }

  /** Undefined: neither an IPv4 nor an IPv6 packet. */
  #wayOf(list: PacketList, index: number, octets: Uint8Array): Way | undefined {
    const version = (octets[list.at[index] ?? 0] ?? 0) >> 4;
    const way = version === 4 ? this.#way4 : version === 6 ? this.#way6 : undefined;
    return way !== undefined && (list.lengths[index] ?? 0) >= way.family.headerBytes ? way : undefined;
  }

  /** Puts the run of packets that go the same way into its table; returns how many. */
  #fill(way: Way, list: PacketList, from: number, to: number, octets: Uint8Array): number {
    const end = Math.min(to, from + MESSAGES_MAX);
    let next = from;
    do {
      way.table.put(next - from, list.at[next] ?? 0, list.lengths[next] ?? 0);
      next++;
    } while (next < end && this.#wayOf(list, next, octets) === way);
    return next - from;
  }

  /** Returns how many of the table's first `count` messages were sent or refused. */
  #flush(way: Way, count: number): number {
    let taken = 0;
    while (taken < count) {
      // sendmmsg stops before the first message that fails; the next call, which starts with it, gives its errno.
      const sent = sys.sendMany(way.fd, way.table.pointer(taken), count - taken);
      if (sent >= 0) {
        this.#sent += sent;
        taken += sent;
        continue;
      }
      const error = sys.errno();
      if (error === sys.EINTR) continue;
      if (error === sys.EAGAIN || error === sys.ENOBUFS) break;
      this.#refuse(error);
      taken++;
    }
    return taken;
  }

  #refuse(error: number): void {
    this.#refusedCount++;
    this.#refused.set(error, (this.#refused.get(error) ?? 0) + 1);
  }

  get refused(): number {
    return this.#refusedCount;
  }

  counters(): EgressCounters {
    const refused: Record<string, number> = {};
    for (const [error, count] of this.#refused) refused[sys.errnoName(error)] = count;
    return { sent: this.#sent, refused };
  }

  /** @throws DeviceError E_DEVICE_STATE after `close` */
  handOver(): EgressHandOver {
    if (this.#closed) throw new DeviceError("E_DEVICE_STATE", "raw egress: hand-over after close");
    return { egress: NAME, socket4: this.#socket4, socket6: this.#socket6, mark: this.#mark };
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    sys.closeFile(this.#socket4);
    if (this.#socket6 !== NO_SOCKET) sys.closeFile(this.#socket6);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Sets up a socket just made, or closes it. */
function openSocket(fd: number, family: string, mark: number, sendBufferBytes: number): number {
  if (fd < 0) throw openError(`opening a raw ${family} socket`, "CAP_NET_RAW", sys.errno());
  let error = sys.setMark(fd, mark);
  if (error === 0) error = sys.setSendBuffer(fd, sendBufferBytes);
  if (error === 0) error = sys.shrinkReceiveBuffer(fd);
  if (error === 0) return fd;
  sys.closeFile(fd);
  throw openError(`setting up a raw ${family} socket`, "CAP_NET_ADMIN", error);
}

/** A system without IPv6 is not an error: there is nothing to send then. */
function openSocket6(mark: number, sendBufferBytes: number): number {
  const fd = sys.rawSocket6();
  if (fd < 0 && sys.errno() === sys.EAFNOSUPPORT) return NO_SOCKET;
  openSocket(fd, "IPv6", mark, sendBufferBytes);
  const error = sys.includeHeader6(fd);
  if (error === 0) return fd;
  sys.closeFile(fd);
  throw openError("setting up a raw IPv6 socket with IPV6_HDRINCL (Linux 4.5 or later)", "CAP_NET_RAW", error);
}

function openError(what: string, capability: string, error: number): DeviceError {
  if (error === sys.EPERM) return new DeviceError("E_DEVICE_DENIED", `${what} needs ${capability}`, error);
  return new DeviceError("E_DEVICE_SYSTEM", `${what} failed: ${sys.errnoName(error)}`, error);
}

/** A closed giver's numbers may belong to other files by now, so the socket is looked at before it is trusted. */
function takeSocket(theirs: number, mark: number): number {
  if (!sys.isRawSocket(theirs, mark)) {
    throw new DeviceError(
      "E_DEVICE_STATE",
      `hand-over: descriptor ${theirs} is no longer the egress's socket`,
      sys.EBADF,
    );
  }
  const mine = sys.duplicate(theirs);
  if (mine < 0) throw openError("duplicating a raw socket", "", sys.errno());
  return mine;
}
