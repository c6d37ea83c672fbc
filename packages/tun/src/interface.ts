// One network interface: what it is, and what can be changed about it while it lives.
import { DeviceError } from "@bunnel/device";
import type { AddressInfo, AddressOptions, LinkChange, LinkInfo, RouteNetlink } from "@bunnel/tun-linux";
import { driver } from "./driver.ts";

/**
 * Any interface of the machine, not only TUN devices. It speaks to the network namespace in which it was opened. Every
 * call throws DeviceError, E_DEVICE_GONE when the interface was deleted and E_DEVICE_DENIED without the right.
 */
export class Interface implements Disposable {
  readonly #network: RouteNetlink;

  private constructor(
    network: RouteNetlink,
    readonly index: number,
  ) {
    this.#network = network;
  }

  /** @throws DeviceError E_DEVICE_GONE when there is no such interface */
  static open(nameOrIndex: string | number): Interface {
    const network = driver().openNetwork();
    try {
      const link = network.link(nameOrIndex);
      if (link) return new Interface(network, link.index);
      throw new DeviceError("E_DEVICE_GONE", `interface ${nameOrIndex}: expected one, found none`);
    } catch (error) {
      network.close();
      throw error;
    }
  }

  /** What the system says about it now: name, MTU, state, counters. */
  info(): LinkInfo {
    const link = this.#network.link(this.index);
    if (!link) throw new DeviceError("E_DEVICE_GONE", `interface ${this.index}: expected one, found it deleted`);
    return link;
  }

  /** State, MTU, name, queue length, IPv6 link-local address, namespace. */
  set(change: LinkChange): void {
    this.#network.setLink(this.index, change);
  }

  addresses(): AddressInfo[] {
    return this.#network.addresses(this.index);
  }

  /** @param address with its prefix length: "192.0.2.1/24" */
  addAddress(address: string, options?: AddressOptions): void {
    this.#network.addAddress(this.index, address, options);
  }

  /** @param address as it was added, `peer` too */
  removeAddress(address: string, options?: { readonly peer?: string }): void {
    this.#network.removeAddress(this.index, address, options);
  }

  /** Lets go of it; the interface itself stays. */
  close(): void {
    this.#network.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** Every interface of the network namespace that the calling thread is in. */
export function interfaces(): LinkInfo[] {
  using network = driver().openNetwork();
  return network.links();
}
