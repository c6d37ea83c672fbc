// Two interfaces of which one receives what the other sends; and networks of one's own to put them into.
import { checkFeature, DeviceError } from "@bunnel/device";
import type { NetworkNamespace } from "@bunnel/tun-linux";
import { driver } from "./driver.ts";
import { Interface } from "./interface.ts";

/** One end of a pair. */
export interface PairEnd {
  readonly name: string;
  /** The network that it lives in. Default: that of the calling thread. */
  readonly namespace?: NetworkNamespace;
  /** With prefix: "192.0.2.1/24". */
  readonly addresses?: readonly string[];
  readonly mac?: string;
  /** Default 1500. */
  readonly mtuBytes?: number;
  /** Default true. */
  readonly up?: boolean;
}

/** Both ends go when one does, and with the network of either. */
export class VethPair implements Disposable {
  #isOpen = true;

  constructor(
    readonly here: Interface,
    readonly there: Interface,
  ) {}

  /** Deletes both ends, if they are still there. A second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      this.here.delete();
    } catch (error) {
      if (!(error instanceof DeviceError) || error.code !== "E_DEVICE_GONE") throw error;
    } finally {
      this.here.close();
      this.there.close();
    }
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/**
 * Makes a pair of virtual Ethernet interfaces.
 * @throws DeviceError E_UNSUPPORTED naming the platform, E_DEVICE_BUSY when a name is taken, E_DEVICE_OPTION
 */
export function openVethPair(here: PairEnd, there: PairEnd): VethPair {
  checkFeature(driver().capabilities, "pairs");
  const peer = { ...linkOf(there), ...(there.namespace ? { namespaceFd: there.namespace.fd } : {}) };
  const first = inside(here, () => Interface.create({ kind: "veth", ...linkOf(here), peer }));
  let second: Interface | undefined;
  try {
    second = inside(there.namespace ? there : here, () => Interface.open(there.name));
    configure(first, here);
    configure(second, there);
    return new VethPair(first, second);
  } catch (error) {
    second?.close();
    first.delete();
    first.close();
    throw error;
  }
}

/**
 * A network of one's own, empty but for its loopback: for tests, and for programs that shall see nothing else.
 * @throws DeviceError E_UNSUPPORTED naming the platform, E_DEVICE_DENIED without the privilege
 */
export function createNamespace(): NetworkNamespace {
  checkFeature(driver().capabilities, "namespaces");
  return driver().createNamespace();
}

function inside<T>({ namespace }: PairEnd, work: () => T): T {
  return namespace ? namespace.run(work) : work();
}

function linkOf({ name, mac, mtuBytes }: PairEnd) {
  return { name, ...(mac === undefined ? {} : { mac }), ...(mtuBytes === undefined ? {} : { mtuBytes }) };
}

/** Nobody else is on the link, so there is no duplicate to look for. */
function configure(end: Interface, { addresses = [], up = true }: PairEnd): void {
  for (const address of addresses) end.addAddress(address, { noDad: true });
  if (up) end.set({ up });
}
