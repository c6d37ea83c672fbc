// The MTU of the device, which follows that of the uplink: by the interface as long as this process may change it, and
// behind that by the routes into it. macOS asks for root each time an interface is changed, and of a routing socket
// only who opened it; Windows asks for the group, which a process keeps.
import { DeviceError } from "@bunnel/device";
import type { DriverNetwork } from "@bunnel/tun";

/** What leads packets into the device, and can say how long they may be. */
export interface LimitedRoutes {
  /** Packets that take them from now on are at most so long. */
  limit(mtuBytes: number): void;
}

export class DeviceMtu {
  #index: number | undefined;
  #routes: LimitedRoutes | undefined;
  /** What the interface takes. */
  #heldBytes: number | undefined;
  #isFixed = false;

  constructor(private readonly openNetwork: () => DriverNetwork) {}

  /** The device is another from here on. */
  opened(index: number): void {
    this.#index = index;
    this.#heldBytes = undefined;
  }

  /** The routes that lead into it; undefined: none do. */
  led(routes: LimitedRoutes | undefined): void {
    this.#routes = routes;
  }

  /** Privileges were given up: looks what may still be changed. */
  fix(): void {
    const [index, mtuBytes] = [this.#index, this.heldBytes];
    if (index === undefined || mtuBytes === undefined) return;
    try {
      this.#change(index, mtuBytes);
    } catch (error) {
      if (!isDenied(error)) throw error;
      this.#isFixed = true;
    }
  }

  /** What whoever writes into the device must keep to; undefined while there is none. */
  get heldBytes(): number | undefined {
    if (this.#heldBytes !== undefined || this.#index === undefined) return this.#heldBytes;
    using network = this.openNetwork();
    return (this.#heldBytes = network.link(this.#index)?.mtuBytes);
  }

  /** What packets into the device can be held to where the uplink takes this much. */
  within(uplinkBytes: number): number {
    return this.#isFixed ? Math.min(uplinkBytes, this.heldBytes ?? uplinkBytes) : uplinkBytes;
  }

  /** Packets into the device are at most so long from here on; of `within`. */
  set(mtuBytes: number): void {
    if (this.#index === undefined) return;
    if (this.#isFixed) this.#routes?.limit(mtuBytes);
    else this.#change(this.#index, mtuBytes);
  }

  #change(index: number, mtuBytes: number): void {
    using network = this.openNetwork();
    network.setLink(index, { mtuBytes });
    this.#heldBytes = mtuBytes;
  }
}

function isDenied(error: unknown): boolean {
  return error instanceof DeviceError && error.code === "E_DEVICE_DENIED";
}
