// Which hardware address belongs to which address on a link, in the network namespace that the calling thread is in.
import type { NeighbourFilter, NeighbourInfo, NeighbourSpec } from "@bunnel/tun-linux";
import { withNetwork } from "./network.ts";

/** `index` is the interface's. Errors as for `routes`. */
export const neighbours = {
  /** Of all interfaces and both families, or as the filter says; proxies only when they are asked for. */
  list(filter?: NeighbourFilter): NeighbourInfo[] {
    return withNetwork((network) => network.neighbours(filter));
  },

  /** @throws DeviceError E_DEVICE_BUSY when there is an entry for the address, also one that the system made */
  add(index: number, spec: NeighbourSpec): void {
    withNetwork((network) => network.addNeighbour(index, spec));
  },

  /** Adds it, or takes the place of the one that is there. */
  replace(index: number, spec: NeighbourSpec): void {
    withNetwork((network) => network.replaceNeighbour(index, spec));
  },

  /** @throws DeviceError E_DEVICE_MISSING when there is none */
  remove(index: number, address: string): void {
    withNetwork((network) => network.removeNeighbour(index, address));
  },

  /** Forgets what was learned on an interface: all entries but those in the states "permanent" and "noarp". */
  flush(index: number, filter?: Omit<NeighbourFilter, "index" | "proxy">): void {
    withNetwork((network) => network.flushNeighbours(index, filter));
  },

  /** From now on this machine answers on the interface in the place of an address. */
  addProxy(index: number, address: string): void {
    withNetwork((network) => network.addProxy(index, address));
  },

  /** @throws DeviceError E_DEVICE_MISSING when there is none */
  removeProxy(index: number, address: string): void {
    withNetwork((network) => network.removeProxy(index, address));
  },
};
