// A TUN or TAP device on Linux: one descriptor for packets and one event that ends a wait.
//
// The way of a packet in: 1 `wait` sleeps in poll(2) · 2 `read` lets the kernel write it to its place in the memory,
// one system call each, until EAGAIN. Out: 3 `write`, one system call each. The calls start at what stands before the
// packet: packet information (on request), then a virtio header (with offload).
import {
  DeviceError,
  headerBytesOf,
  Wake,
  type AdjustableTunDevice,
  type AsyncTunDevice,
  type DeviceCapabilities,
  type DeviceChange,
  type DeviceHandOver,
  type DeviceState,
  type Medium,
  type PacketList,
  type VectoredTunDevice,
} from "@bunnel/device";
import { RX_MAX } from "@bunnel/abi";
import { systemError } from "./errors.ts";
import type { Interrupt } from "./interrupt.ts";
import { PacketPath } from "./packet-path.ts";
import { whenRaised, whenReadable, whenWritable, type ReadinessWait } from "./readiness.ts";
import { Sleeper } from "./sleep/sleeper.ts";
import * as sys from "./sys.ts";
import type { Offload } from "./tun-node.ts";
import { describeDescriptor, tell } from "./tun-requests.ts";
import { applySettings, checkSettings, readState } from "./tun-settings.ts";

export const DRIVER = "linux";
const TUN_PLACE = 0;
const EVENT_PLACE = 1;
const INTERRUPT_PLACE = 2;
const PLACES = 3;

/** What a LinuxTun stands on. */
export interface LinuxTunParts {
  readonly fd: number;
  readonly eventFd: number;
  readonly name: string;
  readonly index: number;
  readonly medium: Medium;
  readonly packetInformation: boolean;
  /** 0: packets carry no virtio header. */
  readonly vnetHeaderBytes: number;
  readonly multiQueue: boolean;
  readonly offloads: readonly Offload[];
  /**
   * What `close` closes: both descriptors, the event alone (the other is somebody's), or neither (both are those of a
   * device in another thread).
   */
  readonly ownership: "owned" | "borrowed" | "lent";
  /** `close` makes the descriptor blocking again, as it was. */
  readonly blockAgain?: boolean;
  /** What the threads that hold the device share of a Sleeper. */
  readonly sleeper?: SharedArrayBuffer;
  /** Of a lent device: an event that is raised when the first thread closes it. */
  readonly endFd?: number;
}

export class LinuxTun implements AsyncTunDevice, VectoredTunDevice, AdjustableTunDevice {
  readonly index: number;
  readonly capabilities: DeviceCapabilities;
  /** What the kernel leaves to us; empty without a virtio header. */
  readonly offloads: readonly Offload[];
  /** Whether `openTunQueue` can open further queues of this device. */
  readonly multiQueue: boolean;

  readonly #parts: LinuxTunParts;
  readonly #fd: number;
  readonly #path: PacketPath;
  readonly #sleeper: Sleeper;
  readonly #poll = new sys.PollSet(PLACES);
  #name: string;
  #deleteOnClose = false;
  #open = true;
  #reading: ReadinessWait | undefined;
  #writing: ReadinessWait | undefined;
  /** Of a lent device that waits without its thread: for the end of the first one. */
  #ending: ReadinessWait | undefined;
  /** What the other threads wait for; opened when the device is first handed over. */
  #endFd = -1;

  constructor(parts: LinuxTunParts) {
    this.#parts = parts;
    this.#fd = parts.fd;
    this.#name = parts.name;
    this.index = parts.index;
    this.offloads = parts.offloads;
    this.multiQueue = parts.multiQueue;
    this.capabilities = {
      driver: DRIVER,
      medium: parts.medium,
      vnetHeader: parts.vnetHeaderBytes > 0,
      ...(parts.vnetHeaderBytes > 0 ? { vnetHeaderBytes: parts.vnetHeaderBytes } : {}),
      packetInformation: parts.packetInformation,
      burst: RX_MAX,
      events: true,
      transferable: true,
      vectored: true,
    };
    this.#path = new PacketPath(parts.fd, headerBytesOf(this.capabilities), () => this.name);
    this.#sleeper = new Sleeper(parts.fd, parts.sleeper);
    this.#poll.set(EVENT_PLACE, parts.eventFd);
  }

  /** The interface's name now; after `close` or deletion the last one that it is known to have had. */
  get name(): string {
    if (this.#isOpen) this.#name = describeDescriptor(this.#fd)?.name ?? this.#name;
    return this.#name;
  }

  /** The descriptor, for whoever polls or passes it on; it stays this device's. -1 when the device is closed. */
  get fd(): number {
    return this.#isOpen ? this.#fd : -1;
  }

  get refused(): number {
    return this.#path.refused;
  }

  /** The memory must neither move nor grow elsewhere: an ArrayBuffer, or a shared WebAssembly memory. */
  attach(memory: ArrayBufferLike): void {
    this.#mustBeOpen();
    this.#path.attach(memory);
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    this.#mustBeOpen();
    return this.#path.read(list, from, maxBytes);
  }

  write(list: PacketList, from: number, to: number): number {
    this.#mustBeOpen();
    return this.#path.write(list, from, to);
  }

  readv(parts: readonly Uint8Array[]): number {
    this.#mustBeOpen();
    return this.#path.readv(parts);
  }

  writev(parts: readonly Uint8Array[]): boolean {
    this.#mustBeOpen();
    return this.#path.writev(parts);
  }

  /**
   * Signals do not end it, and its limit stays exact.
   * @param interrupt ends the wait, too, as long as it is triggered
   */
  wait(timeoutMs: number, interrupt?: Interrupt): Wake {
    return this.#wait(sys.POLLIN, timeoutMs, interrupt);
  }

  /**
   * Blocks the calling thread until `write` may take a packet again: Wake.Writable. Otherwise as `wait`. How much may
   * be under way before there is no room is `sendBufferBytes`.
   */
  waitWritable(timeoutMs: number, interrupt?: Interrupt): Wake {
    return this.#wait(sys.POLLOUT, timeoutMs, interrupt);
  }

  wake(): void {
    if (!this.#isOpen) return;
    sys.raiseEvent(this.#parts.eventFd);
    this.#sleeper.wake();
  }

  /**
   * Resolves when a packet may wait, or the device is closed or gone; it may also resolve without cause. The event loop
   * goes on meanwhile. For one reader at a time: further calls get the same promise.
   */
  async whenReadable(signal?: AbortSignal): Promise<void> {
    if (!this.#isOpen || signal?.aborted) return;
    this.#watchEnd();
    const waiting = (this.#reading ??= whenReadable(this.#fd));
    await endedBy(waiting, signal);
    if (this.#reading === waiting) this.#reading = undefined;
  }

  /** The same for room to write; at once, unless the last write found the queue full. */
  async whenWritable(signal?: AbortSignal): Promise<void> {
    if (!this.#isOpen || !this.#path.full || signal?.aborted) return;
    this.#watchEnd();
    const waiting = (this.#writing ??= whenWritable(this.#fd));
    await endedBy(waiting, signal);
    if (this.#writing === waiting) this.#writing = undefined;
  }

  /** Settings are checked all together before the first is made. */
  set(change: DeviceChange): void {
    this.#mustBeOpen();
    checkSettings(change, this.capabilities.medium);
    if (change.deleteOnClose !== undefined) this.#deleteOnClose = change.deleteOnClose;
    applySettings(this.#underChange(), change);
    // A thread that sleeps in read(2) does so only as long as no write can find the queue full.
    if (change.sendBufferBytes !== undefined) this.#sleeper.wake();
  }

  state(): DeviceState {
    this.#mustBeOpen();
    return readState(this.#underChange());
  }

  /**
   * The other thread borrows the descriptors. `close` here is the end of the device there, too: whatever waits for it,
   * with the thread or without, stops, and further calls say E_DEVICE_GONE. The interface goes when they have stopped.
   */
  handOver(): DeviceHandOver {
    this.#mustBeOpen();
    const { capabilities, index, multiQueue, offloads } = this;
    return {
      driver: DRIVER,
      fd: this.#fd,
      eventFd: this.#parts.eventFd,
      name: this.name,
      index,
      medium: capabilities.medium,
      packetInformation: this.#parts.packetInformation,
      vnetHeaderBytes: this.#parts.vnetHeaderBytes,
      multiQueue,
      offloads: offloads.join(","),
      sleeper: this.#sleeper.shared,
      endFd: this.#endEvent(),
    };
  }

  /**
   * Gives the descriptor away: it is the caller's from now on, non-blocking as it is, and the device here is closed.
   * @throws DeviceError E_DEVICE_STATE for a device whose descriptor is not its own to give
   */
  release(): number {
    this.#mustBeOpen();
    if (this.#parts.ownership !== "owned") {
      throw new DeviceError("E_DEVICE_STATE", `release of ${this.name}: expected its own descriptor, found another's`);
    }
    this.#end();
    this.#tellOthers();
    sys.closeFd(this.#parts.eventFd);
    return this.#fd;
  }

  close(): void {
    if (!this.#open) return;
    const { ownership, eventFd, blockAgain } = this.#parts;
    if (this.#deleteOnClose && ownership === "owned") tell.persistent(this.#fd, false);
    this.#end();
    if (ownership === "lent") return;
    this.#tellOthers();
    if (blockAgain) sys.setNonBlocking(this.#fd, false);
    if (ownership === "owned") sys.closeFd(this.#fd);
    sys.closeFd(eventFd);
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

  #end(): void {
    this.#name = this.name;
    this.#open = false;
    this.#reading?.cancel();
    this.#writing?.cancel();
    this.#ending?.cancel();
    this.#path.detach();
  }

  /** Whoever holds the device elsewhere uses its descriptors no more, before their numbers can be something else's. */
  #tellOthers(): void {
    this.#sleeper.announceEnd();
    sys.raiseEvent(this.#parts.eventFd);
    this.#sleeper.close();
    if (this.#endFd < 0) return;
    sys.raiseEvent(this.#endFd);
    sys.closeFd(this.#endFd);
  }

  #endEvent(): number {
    const { ownership, endFd = -1 } = this.#parts;
    if (ownership === "lent") return endFd;
    if (this.#endFd < 0) this.#endFd = sys.openEvent();
    if (this.#endFd < 0) throw systemError("opening an event", sys.errno());
    return this.#endFd;
  }

  /** The thread that polls for a lent device holds its file open: it must let go when the first thread closes it. */
  #watchEnd(): void {
    const { ownership, endFd = -1 } = this.#parts;
    if (ownership !== "lent" || endFd < 0 || this.#ending) return;
    this.#ending = whenRaised(endFd);
    void this.#ending.promise.then(() => {
      this.#reading?.cancel();
      this.#writing?.cancel();
    });
  }

  get #isOpen(): boolean {
    return this.#open && !this.#sleeper.hasEnded;
  }

  #underChange() {
    return { fd: this.#fd, name: this.name, medium: this.capabilities.medium };
  }

  #wait(events: number, timeoutMs: number, interrupt: Interrupt | undefined): Wake {
    if (!this.#isOpen) return Wake.Closed;
    this.#poll.set(TUN_PLACE, this.#fd, events);
    this.#poll.set(INTERRUPT_PLACE, interrupt?.eventFd ?? -1);
    const end = timeoutMs > 0 ? performance.now() + timeoutMs : 0;
    let leftMs = timeoutMs;
    // A signal ends the call but not the wait: each turn of the loop is one signal.
    for (;;) {
      const ready = this.#poll.poll(leftMs);
      if (ready === 0) return Wake.Timeout;
      if (ready > 0) return this.#found(events);
      const errno = sys.errno();
      if (errno !== sys.EINTR) throw systemError(`waiting for ${this.name}`, errno);
      if (timeoutMs > 0) leftMs = Math.max(0, Math.ceil(end - performance.now()));
    }
  }

  /** What the last poll found, the event first: it ends a wait even where packets come without end. */
  #found(events: number): Wake {
    if (!this.#isOpen) return Wake.Closed;
    if (this.#poll.found(EVENT_PLACE) !== 0) {
      sys.lowerEvent(this.#parts.eventFd);
      return Wake.Woken;
    }
    if (this.#poll.found(INTERRUPT_PLACE) !== 0) return Wake.Woken;
    const gone = this.#poll.found(TUN_PLACE) & (sys.POLLERR | sys.POLLHUP | sys.POLLNVAL);
    if (gone) return Wake.Closed;
    return events === sys.POLLOUT ? Wake.Writable : Wake.Readable;
  }

  #mustBeOpen(): void {
    if (!this.#isOpen) throw new DeviceError("E_DEVICE_GONE", `device ${this.name}: expected open, found closed`);
  }
}

/** Ends the wait when the signal is aborted, and lets go of the signal when the wait has ended. */
async function endedBy(waiting: ReadinessWait, signal: AbortSignal | undefined): Promise<void> {
  const cancel = () => waiting.cancel();
  signal?.addEventListener("abort", cancel);
  await waiting.promise;
  signal?.removeEventListener("abort", cancel);
}
