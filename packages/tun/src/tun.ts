// A TUN device for people: packets come out of a loop and go in by a call.
//
// Bun's event loop cannot watch a TUN descriptor. On Linux one Worker per thread sleeps in poll(2) for all devices and
// tells when there is something to read: the event loop goes on, and while nothing comes no processor time is used.
import { PacketPort, type AsyncTunDevice, type DeviceCapabilities, type DeviceOptions } from "@bunnel/device";
import { driver } from "./driver.ts";
import { Interface } from "./interface.ts";

export class Tun implements AsyncIterable<Uint8Array>, Disposable {
  /** The device itself: bursts, a Worker of your own, offload. Use either it or this class's calls for packets. */
  readonly device: AsyncTunDevice;
  /** The interface that the system shows: state, addresses, counters. */
  readonly interface: Interface;
  #port: PacketPort | undefined;

  constructor(device: AsyncTunDevice) {
    this.device = device;
    this.interface = Interface.open(device.index);
  }

  /** The name under which it was opened; `interface.info()` knows of a later one. */
  get name(): string {
    return this.device.name;
  }

  get index(): number {
    return this.device.index;
  }

  get capabilities(): DeviceCapabilities {
    return this.device.capabilities;
  }

  /**
   * The next IP packet, in a buffer of its own. Waits without blocking the event loop.
   * @throws DeviceError E_DEVICE_GONE when the device is closed or deleted, also while it waits; E_UNSUPPORTED for a
   * device that was opened with offload
   */
  read(): Promise<Uint8Array> {
    return this.#packets().read();
  }

  /** The next packet if one waits. Errors as for `read`. */
  tryRead(): Uint8Array | undefined {
    return this.#packets().tryRead();
  }

  /**
   * Gives the system an IP packet, as if it had come in by this interface. False: the system's queue is full, nothing
   * was sent. What the system refuses as malformed is counted in `device.refused`. Errors as for `read`.
   */
  write(packet: Uint8Array): boolean {
    return this.#packets().write(packet);
  }

  /** Packets until the device is closed or deleted. */
  [Symbol.asyncIterator](): AsyncIterator<Uint8Array, void, undefined> {
    return this.#packets()[Symbol.asyncIterator]();
  }

  /** Closes it: the interface goes, its addresses and routes with it. A second call does nothing. */
  close(): void {
    this.device.close();
    this.interface.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #packets(): PacketPort {
    this.#port ??= new PacketPort(this.device);
    return this.#port;
  }
}

/**
 * Makes a TUN interface with the driver of this machine.
 * @throws DeviceError E_UNSUPPORTED naming the platform where there is no driver, E_DEVICE_MISSING, E_DEVICE_DENIED,
 * E_DEVICE_BUSY, E_DEVICE_OPTION or E_DEVICE_SYSTEM as the driver says
 */
export function openTun(options: DeviceOptions = {}): Tun {
  const device = driver().open(options);
  try {
    return new Tun(device);
  } catch (error) {
    device.close();
    throw error;
  }
}
