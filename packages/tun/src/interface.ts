// One network interface: what it is, and what can be changed about it while it lives.
import { DeviceError } from "@bunnel/device";
import type { AddressInfo, AddressOptions, LinkChange, LinkInfo, LinkSpec } from "@bunnel/tun-linux";
import { driver, type DriverNetwork } from "./driver.ts";
import { withNetwork } from "./network.ts";

/**
 * Any interface of the machine, not only TUN devices. It speaks to the network namespace in which it was opened. Every
 * call throws DeviceError, E_DEVICE_GONE when the interface was deleted, E_DEVICE_STATE when this is closed, and
 * E_DEVICE_DENIED without the right.
 */
export class Interface implements Disposable {
  readonly #network: DriverNetwork;
  #isOpen = true;

  private constructor(
    network: DriverNetwork,
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

  /**
   * Makes an interface, a pair, a bridge, a VLAN or a dummy, and opens it; it stays when this is closed.
   * @throws DeviceError E_DEVICE_BUSY when the name is taken, E_UNSUPPORTED for a kind that the system does not have
   */
  static create(spec: LinkSpec): Interface {
    withNetwork((network) => network.addLink(spec));
    return Interface.open(spec.name);
  }

  /** What the system says about it now: name, MTU, state, counters. */
  info(): LinkInfo {
    const link = this.#open().link(this.index);
    if (!link) throw new DeviceError("E_DEVICE_GONE", `interface ${this.index}: expected one, found it deleted`);
    return link;
  }

  /**
   * Changes what is named: state, MTU, name, alias, hardware address, queue length, group, master, flags, carrier, IPv6
   * link-local address, namespace. Where one thing is refused, those before it stay.
   * @throws DeviceError E_DEVICE_STATE for a new name while it is up
   */
  set(change: LinkChange): void {
    this.#open().setLink(this.index, change);
  }

  /** All of them, both families, in the system's order. */
  addresses(): AddressInfo[] {
    return this.#open().addresses(this.index);
  }

  /**
   * @throws DeviceError E_DEVICE_BUSY when the interface has it, E_DEVICE_OPTION when it cannot be read
   * @param address with its prefix length: "192.0.2.1/24"
   */
  addAddress(address: string, options?: AddressOptions): void {
    this.#open().addAddress(this.index, address, options);
  }

  /** Adds it, or changes lifetimes and metric (IPv6: flags, too) of the one that is there. */
  replaceAddress(address: string, options?: AddressOptions): void {
    this.#open().replaceAddress(this.index, address, options);
  }

  /**
   * @param address as it was added, with `peer`; without prefix length and peer, the first of that address
   * @throws DeviceError E_DEVICE_MISSING when it does not have it
   */
  removeAddress(address: string, options?: { readonly peer?: string }): void {
    this.#open().removeAddress(this.index, address, options);
  }

  /** Removes all addresses, or those of a family; IPv6 link-local ones only when they are asked for. */
  flushAddresses(options?: { readonly family?: 4 | 6; readonly linkLocal?: boolean }): void {
    this.#open().flushAddresses(this.index, options);
  }

  /** Removes the interface from the system, if it is of a kind that was made: its addresses and routes go with it. */
  delete(): void {
    this.#open().deleteLink(this.index);
  }

  /** Lets go of it; the interface itself stays. A second call does nothing. */
  close(): void {
    this.#isOpen = false;
    this.#network.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #open(): DriverNetwork {
    if (this.#isOpen) return this.#network;
    throw new DeviceError("E_DEVICE_STATE", `interface ${this.index}: expected open, found closed`);
  }
}

/** Every interface of the network namespace that the calling thread is in. */
export function interfaces(): LinkInfo[] {
  return withNetwork((network) => network.links());
}
