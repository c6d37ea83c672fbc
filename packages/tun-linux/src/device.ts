// A TUN device on Linux: one descriptor for packets and one event that ends a wait.
//
// The way of a packet in: 1 `wait` sleeps in poll(2) · 2 `read` lets the kernel write it to its place in the memory,
// one system call each, until EAGAIN. Out: 3 `write`, one system call each. With a virtio header (offload) the calls
// start at the ten octets before the packet.
import {
  DeviceError,
  Wake,
  type AsyncTunDevice,
  type DeviceCapabilities,
  type DeviceHandOver,
  type PacketList,
} from "@bunnel/device";
import { PACKET_MAX_BYTES, RX_MAX, VNET_HEADER_BYTES } from "@bunnel/abi";
import { addressOf } from "@bunnel/ffi";
import { systemError } from "./errors.ts";
import { whenReadable, type ReadinessWait } from "./readiness.ts";
import * as sys from "./sys.ts";
import { hasInterface, type Offload } from "./tun-node.ts";

const DRIVER = "linux";
const TUN_PLACE = 0;
const EVENT_PLACE = 1;

/** What a LinuxTun stands on. */
export interface LinuxTunParts {
  readonly fd: number;
  readonly eventFd: number;
  readonly name: string;
  readonly index: number;
  readonly vnetHeader: boolean;
  readonly multiQueue: boolean;
  readonly offloads: readonly Offload[];
  /** Whether `close` closes the descriptors; a device that was handed over borrows them. */
  readonly owner: boolean;
}

/** What one failed system call means for the packets behind it. */
enum Outcome {
  Again,
  Stop,
  Refused,
}

export class LinuxTun implements AsyncTunDevice {
  readonly name: string;
  readonly index: number;
  readonly capabilities: DeviceCapabilities;
  /** What the kernel leaves to us; empty without a virtio header. */
  readonly offloads: readonly Offload[];
  /** Whether `openTunQueue` can open further queues of this device. */
  readonly multiQueue: boolean;

  readonly #fd: number;
  readonly #eventFd: number;
  readonly #owner: boolean;
  /** Octets of the virtio header before each packet. */
  readonly #header: number;
  readonly #calls = sys.packetCalls();
  readonly #poll = new sys.PollSet(2);
  /** Kept so that it stays where it is. */
  #memory: ArrayBufferLike | undefined;
  #base = 0;
  #memoryBytes = 0;
  #refused = 0;
  #open = true;
  #pending: ReadinessWait | undefined;

  constructor(parts: LinuxTunParts) {
    this.name = parts.name;
    this.index = parts.index;
    this.offloads = parts.offloads;
    this.multiQueue = parts.multiQueue;
    this.#fd = parts.fd;
    this.#eventFd = parts.eventFd;
    this.#owner = parts.owner;
    this.#header = parts.vnetHeader ? VNET_HEADER_BYTES : 0;
    this.capabilities = {
      driver: DRIVER,
      medium: "ip",
      vnetHeader: parts.vnetHeader,
      burst: RX_MAX,
      events: true,
      transferable: true,
    };
    this.#poll.set(TUN_PLACE, parts.fd);
    this.#poll.set(EVENT_PLACE, parts.eventFd);
  }

  get refused(): number {
    return this.#refused;
  }

  /** The memory must neither move nor grow elsewhere: an ArrayBuffer, or a shared WebAssembly memory. */
  attach(memory: ArrayBufferLike): void {
    this.#mustBeOpen();
    this.#memory = memory;
    this.#memoryBytes = memory.byteLength;
    this.#base = addressOf(memory);
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    this.#mustBeReady();
    const { at, lengths } = list;
    const header = this.#header;
    const base = this.#base - header;
    const room = Math.min(maxBytes, PACKET_MAX_BYTES) + header;
    let interrupted = 0;
    let i = from;
    while (i < at.length) {
      const start = at[i] ?? 0;
      this.#mustLieInside(start, room - header);
      const bytes = this.#calls.read(this.#fd, base + start, room);
      if (bytes >= header && bytes > 0) {
        lengths[i] = bytes - header;
        i++;
      } else if (bytes >= 0 || this.#readFailed(sys.errno(), interrupted++) === Outcome.Stop) {
        break;
      }
    }
    return i - from;
  }

  write(list: PacketList, from: number, to: number): number {
    this.#mustBeReady();
    const { at, lengths } = list;
    const header = this.#header;
    const base = this.#base - header;
    let interrupted = 0;
    let i = from;
    while (i < to) {
      const start = at[i] ?? 0;
      const bytes = lengths[i] ?? 0;
      this.#mustLieInside(start, bytes);
      if (this.#calls.write(this.#fd, base + start, bytes + header) < 0) {
        const outcome = this.#writeFailed(sys.errno(), interrupted++);
        if (outcome === Outcome.Stop) break;
        if (outcome === Outcome.Again) continue;
        this.#refused++;
      }
      i++;
    }
    return i - from;
  }

  wait(timeoutMs: number): Wake {
    if (!this.#open) return Wake.Closed;
    for (let i = 0; i < sys.EINTR_RETRIES_MAX; i++) {
      const ready = this.#poll.poll(timeoutMs);
      if (ready === 0) return Wake.Timeout;
      if (ready < 0) {
        const errno = sys.errno();
        if (errno !== sys.EINTR) throw systemError(`waiting for ${this.name}`, errno);
        // How much of the time is over cannot be told without a clock; who waits with a limit looks again earlier.
        if (timeoutMs >= 0) return Wake.Timeout;
        continue;
      }
      if (this.#poll.found(EVENT_PLACE) !== 0) {
        sys.lowerEvent(this.#eventFd);
        return Wake.Woken;
      }
      const gone = this.#poll.found(TUN_PLACE) & (sys.POLLERR | sys.POLLHUP | sys.POLLNVAL);
      return gone ? Wake.Closed : Wake.Readable;
    }
    return Wake.Woken;
  }

  wake(): void {
    if (this.#open) sys.raiseEvent(this.#eventFd);
  }

  /**
   * Resolves when a packet may wait, or the device is closed or gone; it may also resolve without cause. The event loop
   * goes on meanwhile. For one reader at a time: further calls get the same promise.
   */
  async whenReadable(): Promise<void> {
    if (!this.#open) return;
    this.#pending ??= whenReadable(this.#fd);
    const pending = this.#pending;
    await pending.promise;
    if (this.#pending === pending) this.#pending = undefined;
  }

  /**
   * The other thread borrows the descriptors: this device must stay open as long as the other is used, and its `close`,
   * which first wakes the other's `wait`, ends the interface even if the other thread hangs.
   */
  handOver(): DeviceHandOver {
    this.#mustBeOpen();
    return {
      driver: DRIVER,
      fd: this.#fd,
      eventFd: this.#eventFd,
      name: this.name,
      index: this.index,
      vnetHeader: this.capabilities.vnetHeader,
      multiQueue: this.multiQueue,
      offloads: this.offloads.join(","),
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#pending?.cancel();
    this.#memory = undefined;
    if (!this.#owner) return;
    sys.raiseEvent(this.#eventFd);
    sys.closeFd(this.#fd);
    sys.closeFd(this.#eventFd);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #readFailed(errno: number, interrupted: number): Outcome {
    if (errno === sys.EINTR && interrupted < sys.EINTR_RETRIES_MAX) return Outcome.Again;
    if (errno === sys.EAGAIN || errno === sys.EINTR) return Outcome.Stop;
    throw this.#failure("reading from", errno);
  }

  #writeFailed(errno: number, interrupted: number): Outcome {
    switch (errno) {
      case sys.EINTR:
        return interrupted < sys.EINTR_RETRIES_MAX ? Outcome.Again : Outcome.Stop;
      case sys.EAGAIN:
      case sys.ENOBUFS:
      case sys.ENOMEM:
        return Outcome.Stop;
      case sys.EIO:
        // An interface that is down takes nothing, as one without a cable; it has not gone.
        if (hasInterface(this.#fd)) return Outcome.Refused;
        throw this.#failure("writing to", errno);
      case sys.EBADF:
      case sys.EBADFD:
      case sys.ENODEV:
      case sys.ENXIO:
      case sys.EFAULT:
        throw this.#failure("writing to", errno);
      default:
        return Outcome.Refused;
    }
  }

  #failure(doing: string, errno: number): DeviceError {
    if (errno === sys.EFAULT || (errno !== sys.EBADF && hasInterface(this.#fd))) {
      return systemError(`${doing} ${this.name}`, errno);
    }
    return new DeviceError("E_DEVICE_GONE", `${doing} ${this.name}: expected an interface, found it deleted`, errno);
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new DeviceError("E_DEVICE_GONE", `device ${this.name}: expected open, found closed`);
  }

  #mustBeReady(): void {
    this.#mustBeOpen();
    if (!this.#memory) {
      throw new DeviceError("E_DEVICE_STATE", `device ${this.name}: expected a memory by attach(), found none`);
    }
  }

  /** The kernel would read and write whatever lies there. */
  #mustLieInside(start: number, bytes: number): void {
    if (start < this.#header || start + bytes > this.#memoryBytes) {
      throw new RangeError(
        `packet at ${start} of ${bytes} octets: expected ${this.#header} to ${this.#memoryBytes}, found outside`,
      );
    }
  }
}

/**
 * The same device in another thread of this process, from `handOver()`. It borrows: `close` here closes nothing.
 * @throws DeviceError E_DEVICE_OPTION when the hand-over is another driver's
 */
export function openTransferred(handOver: DeviceHandOver): LinuxTun {
  const { fd, eventFd, name, index, vnetHeader, multiQueue, offloads } = handOver;
  if (
    handOver.driver !== DRIVER ||
    typeof fd !== "number" ||
    typeof eventFd !== "number" ||
    typeof name !== "string" ||
    typeof index !== "number" ||
    typeof offloads !== "string"
  ) {
    throw new DeviceError("E_DEVICE_OPTION", `hand-over: expected one of driver "linux", found "${handOver.driver}"`);
  }
  return new LinuxTun({
    fd,
    eventFd,
    name,
    index,
    vnetHeader: vnetHeader === true,
    multiQueue: multiQueue === true,
    offloads: offloads === "" ? [] : (offloads.split(",") as Offload[]),
    owner: false,
  });
}
