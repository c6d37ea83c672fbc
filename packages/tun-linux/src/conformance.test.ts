// needs root
// Every way of opening a device keeps the contract.
import { afterAll, beforeAll } from "bun:test";
import type { DeviceOptions } from "@bunnel/device";
import { conformance } from "@bunnel/device/conformance";
import { PacketSocket } from "../test/sys.ts";
import { NetworkNamespace } from "./namespace.ts";
import { openLinuxTun } from "./open.ts";

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

const FULL_QUEUE = "the kernel takes every packet that is written to a TUN interface";
const KINDS: readonly (readonly [string, DeviceOptions, refuses?: string])[] = [
  ["LinuxTun", {}],
  ["LinuxTun with offload", { offload: true }],
  ["LinuxTun with offload and a longer header", { offload: true, vnetHeaderBytes: 12 }],
  [
    "LinuxTun with packet information",
    { packetInformation: true },
    "with packet information the kernel believes what it says and looks at nothing else",
  ],
  [
    "LinuxTun with packet information and offload",
    { packetInformation: true, offload: true },
    "with packet information the kernel believes what it says and looks at nothing else",
  ],
  ["LinuxTun with several queues", { multiQueue: true }],
  ["LinuxTun by NAPI", { napi: true }],
  ["LinuxTun of Ethernet (TAP)", { medium: "ethernet" }],
  ["LinuxTun of Ethernet with offload", { medium: "ethernet", offload: true }],
  ["LinuxTun of Ethernet with several queues", { medium: "ethernet", multiQueue: true }],
];

for (const [name, options, refuses] of KINDS) {
  const { medium = "ip", offload: vnetHeader = false } = options;
  conformance(name, {
    open() {
      // Without any address, so that the kernel itself sends nothing through it.
      const device = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none", ...options }));
      const socket = namespace.run(() => new PacketSocket(device.index));
      return {
        device,
        send: (packet) => socket.send(packet),
        receive: () => socket.receive(),
        close: () => {
          socket[Symbol.dispose]();
          device.close();
        },
      };
    },
    capabilities: { medium, vnetHeader, vectored: true },
    transferred: { module: new URL("./hand-over.ts", import.meta.url).href, opener: "openTransferred" },
    cannot: { fullQueue: FULL_QUEUE, ...(refuses === undefined ? {} : { refuses }) },
  });
}
