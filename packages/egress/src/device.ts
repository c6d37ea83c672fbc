// A way out that is a network device: packets leave by being written into it.
import { DeviceError, type DeviceHandOver, type PacketList, type TunDevice } from "@bunnel/device";
import type { Egress, EgressCapabilities, EgressCounters, EgressHandOver } from "./egress.ts";

/** The name under which packets are counted that the device refused; a device does not say why. */
export const DEVICE_REFUSED = "DEVICE";

const NAME = "device";

/** Writes into a device. The device stays the caller's: `close` leaves it open, unless it came by `openTransferred`. */
export class DeviceEgress implements Egress {
  readonly capabilities: EgressCapabilities;
  readonly #device: TunDevice;
  readonly #ownsDevice: boolean;
  readonly #refusedBefore: number;
  #taken = 0;
  #closed = false;

  constructor(device: TunDevice, ownsDevice = false) {
    this.#device = device;
    this.#ownsDevice = ownsDevice;
    // Somebody else may have written to the device before; those refusals are not ours.
    this.#refusedBefore = device.refused;
    this.capabilities = { name: NAME, vnetHeader: device.capabilities.vnetHeader };
  }

  /** Attaches the device to the memory. The scratch range is not used. */
  attach(memory: ArrayBufferLike, _scratchAt: number, _scratchBytes: number): void {
    this.#device.attach(memory);
  }

  /**
   * @throws DeviceError E_DEVICE_STATE after `close` and, by the device, before `attach`
   * @throws DeviceError E_DEVICE_GONE when the interface was deleted
   */
  send(list: PacketList, from: number, to: number): number {
    if (this.#closed) throw new DeviceError("E_DEVICE_STATE", "device egress: send after close");
    const taken = this.#device.write(list, from, to);
    this.#taken += taken;
    return taken;
  }

  /** True as long as nobody else writes into the same device. */
  get refused(): number {
    return this.#device.refused - this.#refusedBefore;
  }

  counters(): EgressCounters {
    const { refused } = this;
    return {
      sent: this.#taken - refused,
      refused: refused === 0 ? {} : { [DEVICE_REFUSED]: refused },
    };
  }

  handOver(): EgressHandOver {
    return { ...this.#device.handOver(), egress: NAME };
  }

  /** A second call does nothing; the device stays open. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#ownsDevice) this.#device.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Takes a device egress in another thread. `openDevice` is the `openTransferred` of the device's driver.
 * @throws DeviceError E_DEVICE_OPTION when the hand-over is not that of a device egress
 */
export function openTransferred(
  handOver: EgressHandOver,
  openDevice: (handOver: DeviceHandOver) => TunDevice,
): DeviceEgress {
  const { egress, ...device } = handOver;
  const driver = device["driver"];
  if (egress !== NAME || typeof driver !== "string") {
    throw new DeviceError("E_DEVICE_OPTION", `hand-over: expected a device egress, found "${egress}"`);
  }
  return new DeviceEgress(openDevice({ ...device, driver }), true);
}
