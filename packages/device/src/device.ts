// The contract of a network device. Batch first: packets are named by where they lie in one memory, so that a driver
// reads into it and writes from it without a copy.
import type { DeviceCapabilities } from "./capabilities.ts";
import type { DeviceChange, DeviceState } from "./options.ts";

/** Why `wait` came back. */
export enum Wake {
  /** The time is over. */
  Timeout = 0,
  /** At least one packet waits. */
  Readable = 1,
  /** Somebody called `wake`. */
  Woken = 2,
  /** The device is gone or closed. */
  Closed = 3,
  /** There is room for a packet; only where room was waited for. */
  Writable = 4,
}

/**
 * Packets in one memory: packet i starts at octet `at[i]` and has `lengths[i]` octets. What stands before it
 * (`headerBytesOf(capabilities)`: packet information, then virtio header) is not counted.
 */
export interface PacketList {
  readonly at: Uint32Array;
  readonly lengths: Uint16Array;
}

/** A network device: packets in and out, in bursts, where they lie in one memory. */
export interface TunDevice extends Disposable {
  /** The interface name, as the system shows it now: it follows a renaming. */
  readonly name: string;
  /** The interface index; 0 where there is none. */
  readonly index: number;
  readonly capabilities: DeviceCapabilities;

  /** Names the memory in which packets lie. Before it, `read` and `write` throw E_DEVICE_STATE. */
  attach(memory: ArrayBufferLike): void;

  /**
   * Reads waiting packets to `list.at[from…]`, at most `list.at.length - from` and at most `maxBytes` octets each, and
   * fills `list.lengths`. Never blocks. Returns how many came; 0: none waits.
   * @throws DeviceError E_DEVICE_GONE when the interface was deleted or the device is closed
   */
  read(list: PacketList, from: number, maxBytes: number): number;

  /**
   * False: what was read last most likely was all, and whoever goes to sleep now saves a call that would find nothing;
   * `wait` ends at once when something waits after all. True or not there: read until a read finds nothing.
   */
  readonly mayHaveMore?: boolean;

  /**
   * Writes packets `from` up to `to` (not included). Never blocks. Returns how many were taken in order from `from`;
   * what was not taken stays the caller's. A packet that the system refuses for what it is counts as taken and is
   * counted in `refused`.
   * @throws DeviceError E_DEVICE_GONE when the interface was deleted or the device is closed
   */
  write(list: PacketList, from: number, to: number): number;

  /** Packets that the system refused for what they are (malformed, too long), since the device was opened. */
  readonly refused: number;

  /** Blocks the calling thread until something happens, at most `timeoutMs` (-1: for ever). Meant for Workers. */
  wait(timeoutMs: number): Wake;

  /** Makes a `wait` come back at once: the one under way, or the next. From any thread that holds the device. */
  wake(): void;

  /** What another thread needs to use the same device, to be cloned; the driver's `openTransferred` takes it. */
  handOver(): DeviceHandOver;

  /** Closes it. A second call does nothing. */
  close(): void;
}

/** A device that can be waited for without blocking the thread. */
export interface AsyncTunDevice extends TunDevice, AsyncDisposable {
  /**
   * Resolves when a packet may wait, the device is closed or gone, or the signal is aborted; it may also resolve
   * without cause. For one reader at a time: an abort ends the wait of all who asked.
   */
  whenReadable(signal?: AbortSignal): Promise<void>;

  /** The same for room to write: resolves when `write` may take a packet again. */
  whenWritable(signal?: AbortSignal): Promise<void>;

  /** Closes it; resolves when every wait that was under way has ended. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * A device that takes and gives one packet in pieces, without anybody putting it together first. The pieces begin with
 * what stands before the packet. Both calls do without `attach`. Errors as for `read` and `write`.
 */
export interface VectoredTunDevice extends TunDevice {
  /**
   * The next waiting packet, spread over `parts` in order; what has no room is cut off. Gives its octets, what stands
   * before it included; -1: none waits.
   */
  readv(parts: readonly Uint8Array[]): number;

  /** Sends what `parts` are together, as one packet. False: the queue is full, nothing was sent. */
  writev(parts: readonly Uint8Array[]): boolean;
}

/** What can be asked and changed about an open device itself; addresses and the like belong to its interface. */
export interface AdjustableTunDevice extends TunDevice {
  /** @throws DeviceError E_UNSUPPORTED naming the driver for what it cannot change, E_DEVICE_OPTION, E_DEVICE_GONE */
  set(change: DeviceChange): void;

  /** @throws DeviceError E_DEVICE_GONE when the interface was deleted or the device is closed */
  state(): DeviceState;
}

/** What a device that stands on a descriptor of the system tells of it; a driver without one has none of this. */
export interface DescriptorParts {
  /** The descriptor, for whoever polls or passes it on; it stays the device's. -1 when the device is closed. */
  readonly fd: number;
  /** What the system leaves to whoever reads the device: checksums, cutting. Empty without offload. */
  readonly offloads: readonly string[];
  /**
   * Gives the descriptor away: it is the caller's from now on, and the device is closed.
   * @throws DeviceError E_DEVICE_STATE for a device whose descriptor is not its own to give
   */
  release(): number;
}

/** A device that the system has: all that a driver gives. */
export type SystemDevice = AsyncTunDevice & VectoredTunDevice & AdjustableTunDevice & Partial<DescriptorParts>;

/** What a device of `driver` is opened from in another thread; it can be cloned, and only the driver looks inside. */
export interface DeviceHandOver {
  readonly driver: string;
  readonly [key: string]: string | number | boolean | SharedArrayBuffer | undefined;
}
