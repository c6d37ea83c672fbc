// A TUN or TAP device on Windows: a link for packets, an event of our own that ends a wait, and what the threads that
// hold the device know of each other.
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
  type Medium,
  type PacketList,
  type VectoredTunDevice,
} from "@bunnel/device";
import { RX_MAX } from "@bunnel/abi";
import { INFINITE, WAIT_OBJECT_0, WAIT_TIMEOUT } from "./constants.ts";
import { WINDOWS_CAPABILITIES } from "./driver-capabilities.ts";
import { windowsError } from "./errors.ts";
import { aliasOf, indexOfLuid } from "./luid.ts";
import { AttachedMemory, type PacketLink } from "./packet-link.ts";
import { whenSignalled, type SignalWait } from "./readiness.ts";
import type { SharedState } from "./shared-state.ts";
import { HandlePair, type WindowsSystem } from "./sys.ts";

export const DRIVER = "win32";
/** Windows tells nobody when a queue has room again; the next look is after so long. */
const ROOM_LOOK_MS = 1;
const TIMEOUT_MAX_MS = INFINITE - 1;

/** What a WindowsDevice stands on. */
export interface WindowsDeviceParts {
  readonly system: WindowsSystem;
  readonly medium: Medium;
  readonly name: string;
  readonly index: number;
  readonly luid: bigint;
  readonly wakeEvent: number;
  readonly state: SharedState;
  readonly link: PacketLink;
  /** Octets of the queue to the system. */
  readonly sendBufferBytes: number;
  /** Hardware address of a TAP adapter. */
  readonly mac?: string;
  /** The adapter stays when the device is closed. */
  readonly persistent: boolean;
  /** What another thread needs beside the common things. */
  readonly handOver: Readonly<Record<string, string | number | boolean | SharedArrayBuffer>>;
  /** Sets the medium's state, of a TAP adapter. */
  readonly setCarrier?: (isOn: boolean) => void;
  /** Takes everything back, when nobody uses it any more. Undefined: it belongs to a device in another thread. */
  readonly dispose: (() => void) | undefined;
}

export class WindowsDevice implements AsyncTunDevice, VectoredTunDevice, AdjustableTunDevice {
  readonly capabilities: DeviceCapabilities;
  /** What Windows' own calls know the interface by. */
  readonly luid: bigint;

  readonly #parts: WindowsDeviceParts;
  readonly #link: PacketLink;
  readonly #state: SharedState;
  readonly #pair: HandlePair;
  #memory: AttachedMemory | undefined;
  #name: string;
  #index: number;
  #open = true;
  #reading: SignalWait | undefined;

  constructor(parts: WindowsDeviceParts) {
    this.#parts = parts;
    this.#link = parts.link;
    this.#state = parts.state;
    this.#pair = new HandlePair(parts.system);
    this.#name = parts.name;
    this.#index = parts.index;
    this.luid = parts.luid;
    this.capabilities = {
      driver: DRIVER,
      medium: parts.medium,
      vnetHeader: false,
      burst: RX_MAX,
      events: true,
      transferable: true,
      vectored: true,
    };
  }

  /** The interface's name now; after `close` or deletion the last one that it is known to have had. */
  get name(): string {
    if (this.#isOpen()) this.#name = aliasOf(this.#parts.system, this.luid) ?? this.#name;
    return this.#name;
  }

  /** The interface index; 0 as long as Windows has not given it one. */
  get index(): number {
    if (this.#index === 0 && this.#isOpen()) this.#index = indexOfLuid(this.#parts.system, this.luid);
    return this.#index;
  }

  get refused(): number {
    return this.#link.refused;
  }

  /** The memory must neither move nor grow elsewhere: an ArrayBuffer, or a shared WebAssembly memory. */
  attach(memory: ArrayBufferLike): void {
    this.#mustBeOpen();
    this.#memory = new AttachedMemory(memory);
  }

  read(list: PacketList, from: number, maxBytes: number): number {
    const memory = this.#ready();
    this.#enter();
    try {
      return this.#link.read(memory, list, from, maxBytes);
    } finally {
      this.#state.leave();
    }
  }

  write(list: PacketList, from: number, to: number): number {
    const memory = this.#ready();
    this.#enter();
    try {
      return this.#link.write(memory, list, from, to);
    } finally {
      this.#state.leave();
    }
  }

  readv(parts: readonly Uint8Array[]): number {
    this.#enter();
    try {
      return this.#link.readv(parts);
    } finally {
      this.#state.leave();
    }
  }

  writev(parts: readonly Uint8Array[]): boolean {
    this.#enter();
    try {
      return this.#link.writev(parts);
    } finally {
      this.#state.leave();
    }
  }

  wait(timeoutMs: number): Wake {
    if (!this.#open || !this.#state.enter()) return Wake.Closed;
    try {
      return this.#wait(timeoutMs);
    } finally {
      this.#state.leave();
    }
  }

  wake(): void {
    if (!this.#open || !this.#state.enter()) return;
    this.#parts.system.kernel32().SetEvent(this.#parts.wakeEvent);
    this.#state.leave();
  }

  /**
   * Resolves when a packet may wait, or the device is closed or gone; it may also resolve without cause. A thread of
   * the system waits meanwhile.
   */
  async whenReadable(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || !this.#isOpen() || this.#hasPacket()) return;
    // One for all who ask: the event that a packet signals ends one wait only.
    const wait = (this.#reading ??= whenSignalled(this.#parts.system, this.#link.readEvent));
    signal?.addEventListener("abort", wait.cancel);
    await wait.promise;
    signal?.removeEventListener("abort", wait.cancel);
    if (this.#reading === wait) this.#reading = undefined;
  }

  /** At once, unless the last write found the queue full: then after a moment, for Windows tells nobody of room. */
  async whenWritable(signal?: AbortSignal): Promise<void> {
    if (signal?.aborted || !this.#isOpen() || !this.#link.full) return;
    await Bun.sleep(ROOM_LOOK_MS);
  }

  /** Settings are checked all together before the first is made. */
  set(change: DeviceChange): void {
    this.#mustBeOpen();
    checkChange(WINDOWS_CAPABILITIES, change);
    const { carrier } = change;
    if (carrier === undefined) return;
    const { setCarrier } = this.#parts;
    if (!setCarrier) {
      throw new DeviceError("E_UNSUPPORTED", `changing carrier of ${this.name}: expected a TAP device, found a TUN`);
    }
    setCarrier(carrier);
  }

  state(): DeviceState {
    this.#mustBeOpen();
    const { persistent, sendBufferBytes, mac } = this.#parts;
    return {
      name: this.name,
      persistent,
      multiQueue: false,
      queue: "attached",
      sendBufferBytes,
      ...(mac === undefined ? {} : { mac }),
      queues: 1,
      detachedQueues: 0,
    };
  }

  /**
   * The other thread borrows: this device must stay open as long as the other is used, and its `close`, which first
   * ends the other's calls, takes the adapter away.
   */
  handOver(): DeviceHandOver {
    this.#mustBeOpen();
    const { system, medium, wakeEvent, state, sendBufferBytes, persistent, mac, handOver } = this.#parts;
    return {
      ...handOver,
      driver: DRIVER,
      setup: JSON.stringify(system.setup),
      medium,
      name: this.name,
      index: this.index,
      luid: this.luid.toString(),
      wakeEvent,
      state: state.shared,
      sendBufferBytes,
      persistent,
      ...(mac === undefined ? {} : { mac }),
    };
  }

  close(): void {
    if (!this.#open) return;
    this.#name = this.name;
    this.#open = false;
    this.#reading?.cancel();
    this.#memory = undefined;
    const { dispose, system, wakeEvent } = this.#parts;
    if (this.#state.enter()) {
      this.#link.release();
      this.#state.leave();
    }
    if (!dispose) return;
    this.#state.close(() => system.kernel32().SetEvent(wakeEvent));
    dispose();
    system.kernel32().CloseHandle(wakeEvent);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const reading = this.#reading;
    this.close();
    await reading?.promise;
  }

  /** Our own event first: it ends a wait even where packets come without end. */
  #wait(timeoutMs: number): Wake {
    const { system, wakeEvent } = this.#parts;
    if (system.kernel32().WaitForSingleObject(wakeEvent, 0) === WAIT_OBJECT_0) return this.#woken();
    const end = performance.now() + timeoutMs;
    let leftMs = timeoutMs;
    // The read event may be signalled without cause: each turn of the loop is one such signal.
    for (;;) {
      const waits = this.#lookForPacket();
      if (waits !== Wake.Timeout) return waits;
      const limit = timeoutMs < 0 ? INFINITE : Math.min(Math.ceil(leftMs), TIMEOUT_MAX_MS);
      const found = this.#pair.wait(wakeEvent, this.#link.readEvent, limit);
      if (found === WAIT_OBJECT_0) return this.#woken();
      if (found === WAIT_TIMEOUT) return this.#lookForPacket();
      if (found !== WAIT_OBJECT_0 + 1) throw windowsError(`waiting for ${this.name}`, system.kernel32().GetLastError());
      if (timeoutMs > 0) leftMs = Math.max(0, end - performance.now());
    }
  }

  #woken(): Wake {
    return this.#state.closed ? Wake.Closed : Wake.Woken;
  }

  #lookForPacket(): Wake {
    try {
      return this.#link.peek() ? Wake.Readable : Wake.Timeout;
    } catch (error) {
      if (error instanceof DeviceError && error.code === "E_DEVICE_GONE") return Wake.Closed;
      throw error;
    }
  }

  /** True also where a read would tell that the device is gone. */
  #hasPacket(): boolean {
    if (!this.#state.enter()) return true;
    try {
      return this.#lookForPacket() !== Wake.Timeout;
    } finally {
      this.#state.leave();
    }
  }

  /** Begins a call that nobody may close the device under. */
  #enter(): void {
    if (!this.#open || !this.#state.enter()) throw this.#closedError();
  }

  /** Also when it was closed in another thread. */
  #isOpen(): boolean {
    return this.#open && !this.#state.closed;
  }

  #mustBeOpen(): void {
    if (!this.#isOpen()) throw this.#closedError();
  }

  #closedError(): DeviceError {
    return new DeviceError("E_DEVICE_GONE", `device ${this.#name}: expected open, found closed`);
  }

  #ready(): AttachedMemory {
    this.#mustBeOpen();
    if (this.#memory) return this.#memory;
    throw new DeviceError("E_DEVICE_STATE", `device ${this.name}: expected a memory by attach(), found none`);
  }
}
