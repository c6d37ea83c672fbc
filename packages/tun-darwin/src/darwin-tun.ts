// The parts of a device put together: which path its packets take, and what goes when it is closed.
import {
  BsdTun,
  DescriptorPath,
  InterfaceControl,
  type BsdDriver,
  type BsdParts,
  type BsdTunOptions,
  type Calls,
  type PacketPath,
} from "@bunnel/bsd";
import { BatchPath } from "./batch-path.ts";
import { BpfPath } from "./bpf-path.ts";
import { DARWIN_CAPABILITIES } from "./driver-capabilities.ts";
import { librariesOf } from "./environment.ts";
import { fethMac, filterBufferBytes } from "./feth.ts";
import { receiveMany } from "./sys.ts";

export interface DarwinTunOptions extends BsdParts {
  readonly calls: Calls;
  readonly batch: boolean;
  readonly ownership: BsdTunOptions["ownership"];
  readonly persistent?: boolean;
  readonly blockAgain?: boolean;
}

export function darwinTun(options: DarwinTunOptions): BsdTun {
  return new BsdTun({ ...options, driver: driverOf(options.calls), path: pathOf(options) });
}

function pathOf(options: DarwinTunOptions): PacketPath {
  const { calls, medium, fd, writeFd, name, batch } = options;
  const nameOf = () => name;
  if (medium === "ethernet") {
    const bufferBytes = filterBufferBytes(calls, fd);
    return new BpfPath({ calls, nameOf, bpfFd: fd, ndrvFd: writeFd, bufferBytes });
  }
  const receive = batch ? receiveMany(librariesOf(calls)) : undefined;
  return receive
    ? new BatchPath({ calls, nameOf, fd }, receive)
    : new DescriptorPath({ calls, nameOf, fd, framing: "family" });
}

function driverOf(calls: Calls): BsdDriver {
  return {
    capabilities: DARWIN_CAPABILITIES,
    readMac: ({ name, medium }) => (medium === "ethernet" ? fethMac(calls, name) : undefined),
    setMac: ({ name }, mac) => new InterfaceControl(calls).set(name, { mac }),
    remove: ({ name, peer }) => {
      if (peer === undefined) return;
      const control = new InterfaceControl(calls);
      control.destroy(name);
      control.destroy(peer);
    },
  };
}
