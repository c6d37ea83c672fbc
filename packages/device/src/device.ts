// The contract of a network device. Batch first: packets are named by where they lie in one memory, so that a driver
// reads into it and writes from it without a copy.

/** What a device can do: data, so that nobody asks which platform this is. */
export interface DeviceCapabilities {
  /** The driver's name: "linux", "memory"… */
  readonly driver: string;
  /** "ip": packets start with the IP header. "ethernet": with the Ethernet header. */
  readonly medium: "ip" | "ethernet";
  /** The ten octets before each packet are a virtio_net_hdr, in and out; packets may be super-packets of 64 KiB. */
  readonly vnetHeader: boolean;
  /** Packets that one read or write takes at best. */
  readonly burst: number;
  /** Device events (link, address, MTU) are reported. */
  readonly events: boolean;
  /** The device can be handed over to a Worker. */
  readonly transferable: boolean;
}

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
}

/** Packets in one memory: packet i starts at octet `at[i]` and has `lengths[i]` octets, without its virtio header. */
export interface PacketList {
  readonly at: Uint32Array;
  readonly lengths: Uint16Array;
}

export interface TunDevice extends Disposable {
  /** The interface name, as the system shows it. */
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
export interface AsyncTunDevice extends TunDevice {
  /**
   * Resolves when a packet may wait, or the device is closed or gone; it may also resolve without cause. For one reader
   * at a time.
   */
  whenReadable(): Promise<void>;
}

export interface DeviceHandOver {
  readonly driver: string;
  readonly [key: string]: string | number | boolean | SharedArrayBuffer | undefined;
}

/** How a device is opened. What is left out, the system or the driver decides. */
export interface DeviceOptions {
  /** Interface name, at most 15 octets; `%d` is replaced by a number. Default: the system's choice. */
  readonly name?: string;
  /** Octets of the largest packet. Default 1500. */
  readonly mtuBytes?: number;
  /** Addresses with prefix: "10.0.85.1/24", "2001:db8::1/64". Default: none. */
  readonly addresses?: readonly string[];
  /** Bring it up. Default true. */
  readonly up?: boolean;
  /** Ask for segmentation offload. Default false. */
  readonly offload?: boolean;
  /** Open it so that more queues can follow. Default false. */
  readonly multiQueue?: boolean;
  /** Packets the system keeps for us. Default: the system's. */
  readonly txQueueLength?: number;
  /** "none": no IPv6 link-local address comes by itself. Default "system". */
  readonly ipv6LinkLocal?: "system" | "none";
}
