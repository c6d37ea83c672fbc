// The parts of a device put together.
import {
  BsdNetwork,
  BsdTun,
  DescriptorPath,
  InterfaceControl,
  type BsdDriver,
  type BsdParts,
  type BsdTunOptions,
  type Calls,
  type Framing,
} from "@bunnel/bsd";
import { bsdCapabilities } from "./driver-capabilities.ts";
import { nodeName } from "./node.ts";
import type { BsdTunSystem } from "./system.ts";

export interface BsdTunDeviceOptions extends BsdParts {
  readonly calls: Calls;
  readonly system: BsdTunSystem;
  /** Default: what the system's own devices have. */
  readonly framing?: Framing;
  readonly ownership: BsdTunOptions["ownership"];
  readonly persistent?: boolean;
  readonly blockAgain?: boolean;
}

export function bsdTunDevice({ system, framing, ...options }: BsdTunDeviceOptions): BsdTun {
  const { calls, fd, name, medium } = options;
  const path = new DescriptorPath({
    calls,
    fd,
    framing: framing ?? (medium === "ip" ? "family" : "ethernet"),
    nameOf: () => name,
  });
  return new BsdTun({ ...options, path, driver: driverOf(calls, system) });
}

function driverOf(calls: Calls, system: BsdTunSystem): BsdDriver {
  const wayOf = ({ medium }: BsdParts) => (medium === "ip" ? system.tun : system.tap);
  return {
    capabilities: bsdCapabilities(system),
    readName: (parts) => nodeName(calls, system, parts.fd, wayOf(parts)),
    readMac: ({ name, medium }) => {
      if (medium !== "ethernet") return undefined;
      using network = new BsdNetwork(calls);
      return network.link(name)?.mac;
    },
    setMac: ({ name }, mac) => new InterfaceControl(calls).set(name, { mac }),
    // The interface of a transient device has gone already; that is no error.
    remove: (parts) => {
      if (wayOf(parts).isDestroyed) new InterfaceControl(calls).destroy(parts.name);
    },
  };
}
