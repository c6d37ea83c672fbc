// A device over descriptors, on macOS and every BSD.
//
// The way of a packet in: 1 `wait` sleeps in poll(2) · 2 `read` fetches what waits, by the path that fits the device.
// Out: 3 `write`. What stands before packets in the descriptor is the path's own business and is not seen outside.
import {
  checkChange,
  DeviceError,
  Wake,
  type AdjustableTunDevice,
  type AsyncTunDevice,
  type DeviceCapabilities,
  type DeviceChange,
  type DeviceHandOver,
  type DeviceState,
  type DriverCapabilities,
  type Medium,
  type PacketList,
  type VectoredTunDevice,
} from "@bunnel/device";
import { RX_MAX } from "@bunnel/abi";
import { EINTR, systemError } from "./errors.ts";
import { PacketMemory, type PacketPath } from "./packet-path.ts";
import { POLLERR, POLLHUP, POLLNVAL, PollSet } from "./poll-set.ts";
import { endedBy, whenReadable, whenWritable, type ReadinessWait } from "./readiness.ts";
import type { Calls } from "./sys.ts";
import { closeWakePipe, lower, raise, type WakePipe } from "./wake-pipe.ts";

const DEVICE_PLACE = 0;
const PIPE_PLACE = 1;
const PLACES = 2;

/** What goes to another thread: plain values only. */
export interface BsdParts {
  readonly name: string;
  readonly index: number;
  readonly medium: Medium;
  /** The descriptor that becomes readable when a packet waits. */
  readonly fd: number;
  /** The one that packets are written to; the same, unless the driver says otherwise. */
  readonly writeFd: number;
  readonly pipe: WakePipe;
  /** The interface that stands behind this one, where it takes two. */
  readonly peer?: string;
}

/** What the driver does for its devices. */
export interface BsdDriver {
  readonly capabilities: DriverCapabilities;
  /** The device's hardware address now; undefined for one of IP packets. */
  readMac?(parts: BsdParts): string | undefined;
  setMac?(parts: BsdParts, mac: string): void;
  /** The interface's name now; left out where none can be renamed. */
  readName?(parts: BsdParts): string | undefined;
  /** Called once, by the device that owns its descriptors, when they are closed: removes what would stay. */
  remove?(parts: BsdParts): void;
}

export interface BsdTunOptions extends BsdParts {
  readonly calls: Calls;
  readonly path: PacketPath;
  readonly driver: BsdDriver;
  /**
   * What `close` closes: all, all but the device's descriptors, which are somebody's, or nothing, because all are those
   * of a device in another thread.
   */
  readonly ownership: "owned" | "borrowed" | "lent";
  /** `close` leaves the interface where it is. Default false. */
  readonly persistent?: boolean;
  /** `close` makes the descriptor blocking again, as it was. */
  readonly blockAgain?: boolean;
}

export class BsdTun implements AsyncTunDevice, VectoredTunDevice, AdjustableTunDevice {
  readonly index: number;
  readonly capabilities: DeviceCapabilities;
  #name: string;
  readonly #options: BsdTunOptions;
  readonly #calls: Calls;
  readonly #path: PacketPath;
  readonly #poll: PollSet;
  #memory: PacketMemory | undefined;
  #persistent: boolean;
  #open = true;
  #reading: ReadinessWait | undefined;
  #writing: ReadinessWait | undefined;

  constructor(options: BsdTunOptions) {
    this.#options = options;
    this.#calls = options.calls;
    this.#path = options.path;
    this.#name = options.name;
    this.index = options.index;
    this.#persistent = options.persistent ?? false;
    this.capabilities = {
      driver: options.driver.capabilities.platform,
      medium: options.medium,
      vnetHeader: false,
      burst: RX_MAX,
      events: true,
      transferable: true,
      vectored: true,
    };
    this.#poll = new PollSet(this.#calls, PLACES);
    this.#poll.set(DEVICE_PLACE, options.fd);
    this.#poll.set(PIPE_PLACE, options.pipe.reading);
  }

  /** The interface's name now; after `close` the last one that it is known to have had. */
  get name(): string {
    if (this.#open) this.#name = this.#options.driver.readName?.(this.#options) ?? this.#name;
    return this.#name;
  }

  /** The descriptor that packets are read from; it stays this device's. -1 when the device is closed. */
  get fd(): number {
    return this.#open ? this.#options.fd : -1;
  }

  /** The interface behind this one, where the device takes two. */
  get peer(): string | undefined {
    return this.#options.peer;
  }

  get refused(): number {
    return this.#path.refused;
  }

  /** The memory must neither move nor grow elsewhere: an ArrayBuffer, or a shared WebAssembly memory. */
  attach(memory: ArrayBufferLike): void {
    this.#mustBeOpen();
    this.#memory = new PacketMemory(memory);
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    return this.#path.read(this.#ready(), list, from, maxBytes);
  }

  write(list: PacketList, from: number, to: number): number {
    return this.#path.write(this.#ready(), list, from, to);
  }

  readv(parts: readonly Uint8Array[]): number {
    this.#mustBeOpen();
    return this.#path.readv(parts);
  }

  writev(parts: readonly Uint8Array[]): boolean {
    this.#mustBeOpen();
    return this.#path.writev(parts);
  }

  wait(timeoutMs: number): Wake {
    if (!this.#open) return Wake.Closed;
    const end = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
    let leftMs = this.#path.pending ? 0 : timeoutMs;
    // A signal ends the call but not the wait: each turn of the loop is one signal.
    for (;;) {
      const ready = this.#poll.poll(leftMs);
      if (ready === 0) return this.#path.pending ? Wake.Readable : Wake.Timeout;
      if (ready > 0) return this.#found();
      const errno = this.#calls.errno();
      if (errno !== EINTR) throw systemError(`waiting for ${this.name}`, errno);
      if (timeoutMs > 0) leftMs = Math.max(0, Math.ceil(end - performance.now()));
    }
  }

  wake(): void {
    if (this.#open) raise(this.#calls, this.#options.pipe);
  }

  /**
   * Resolves when a packet may wait, or the device is closed or gone; it may also resolve without cause. The event loop
   * goes on meanwhile. For one reader at a time: further calls get the same promise.
   */
  async whenReadable(signal?: AbortSignal): Promise<void> {
    if (!this.#open || this.#path.pending || signal?.aborted) return;
    const waiting = (this.#reading ??= whenReadable(this.#calls, this.#options.fd));
    await endedBy(waiting, signal);
    if (this.#reading === waiting) this.#reading = undefined;
  }

  /** The same for room to write; at once, unless the last write found the queue full. */
  async whenWritable(signal?: AbortSignal): Promise<void> {
    if (!this.#open || !this.#path.full || signal?.aborted) return;
    const waiting = (this.#writing ??= whenWritable(this.#calls, this.#options.writeFd));
    await endedBy(waiting, signal);
    if (this.#writing === waiting) this.#writing = undefined;
  }

  set(change: DeviceChange): void {
    this.#mustBeOpen();
    const { driver } = this.#options;
    checkChange(driver.capabilities, change);
    if (change.mac !== undefined) {
      if (this.capabilities.medium !== "ethernet") {
        throw new DeviceError("E_DEVICE_OPTION", "mac: expected an ethernet device, found one of IP packets");
      }
      driver.setMac?.(this.#options, change.mac);
    }
    if (change.persistent !== undefined) this.#persistent = change.persistent;
    if (change.deleteOnClose !== undefined) this.#persistent = !change.deleteOnClose;
  }

  state(): DeviceState {
    this.#mustBeOpen();
    const mac = this.#options.driver.readMac?.(this.#options);
    return {
      name: this.name,
      persistent: this.#persistent,
      multiQueue: false,
      queue: "attached",
      sendBufferBytes: 0,
      queues: 1,
      detachedQueues: 0,
      ...(mac === undefined ? {} : { mac }),
    };
  }

  /**
   * The other thread borrows the descriptors: this device must stay open as long as the other is used, and its `close`
   * first wakes the other's `wait`. What the path has fetched already stays here.
   */
  handOver(): DeviceHandOver {
    this.#mustBeOpen();
    const { index, medium, fd, writeFd, pipe, peer } = this.#options;
    const parts: BsdParts = { name: this.name, index, medium, fd, writeFd, pipe, ...(peer ? { peer } : {}) };
    return {
      driver: this.capabilities.driver,
      parts: JSON.stringify(parts),
      environment: JSON.stringify(this.#calls.environment),
    };
  }

  close(): void {
    if (!this.#open) return;
    const { ownership, blockAgain, fd, writeFd, pipe, driver } = this.#options;
    if (blockAgain) this.#calls.setNonBlocking(fd, false);
    const { name } = this;
    this.#open = false;
    this.#reading?.cancel();
    this.#writing?.cancel();
    this.#memory = undefined;
    if (ownership === "lent") return;
    raise(this.#calls, pipe);
    if (ownership === "owned") {
      this.#calls.close(fd);
      if (writeFd !== fd) this.#calls.close(writeFd);
      if (!this.#persistent) driver.remove?.({ ...this.#options, name });
    }
    closeWakePipe(this.#calls, pipe);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const [reading, writing] = [this.#reading, this.#writing];
    this.close();
    await reading?.promise;
    await writing?.promise;
  }

  /** What the last poll found, the pipe first: it ends a wait even where packets come without end. */
  #found(): Wake {
    if (this.#poll.found(PIPE_PLACE) !== 0) {
      lower(this.#calls, this.#options.pipe);
      return Wake.Woken;
    }
    if (this.#path.pending) return Wake.Readable;
    return this.#poll.found(DEVICE_PLACE) & (POLLERR | POLLHUP | POLLNVAL) ? Wake.Closed : Wake.Readable;
  }

  #mustBeOpen(): void {
    if (!this.#open) throw new DeviceError("E_DEVICE_GONE", `device ${this.name}: expected open, found closed`);
  }

  #ready(): PacketMemory {
    this.#mustBeOpen();
    if (this.#memory) return this.#memory;
    throw new DeviceError("E_DEVICE_STATE", `device ${this.name}: expected a memory by attach(), found none`);
  }
}

/**
 * What a hand-over of this driver holds.
 * @throws DeviceError E_DEVICE_OPTION when it is another driver's
 */
export function readHandOver(driver: string, handOver: DeviceHandOver): { parts: BsdParts; environment: string } {
  const { parts, environment } = handOver;
  if (handOver.driver !== driver || typeof parts !== "string" || typeof environment !== "string") {
    throw new DeviceError(
      "E_DEVICE_OPTION",
      `hand-over: expected one of driver "${driver}", found "${handOver.driver}"`,
    );
  }
  return { parts: JSON.parse(parts) as BsdParts, environment };
}
