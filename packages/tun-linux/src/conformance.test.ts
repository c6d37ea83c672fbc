// needs root
// Every way of opening a device keeps the contract, and so does every wrapper around one.
import { afterAll, beforeAll } from "bun:test";
import { FaultInjector, PcapTap, Tracer, type AsyncTunDevice, type DeviceOptions } from "@bunnel/device";
import { conformance, type ConformanceSubject } from "@bunnel/device/conformance";
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

/** Wrappers are devices, around a real one, too. */
const WRAPPERS: readonly (readonly [string, (inner: AsyncTunDevice) => AsyncTunDevice])[] = [
  ["Tracer", (inner) => new Tracer(inner, { print() {} })],
  ["PcapTap", (inner) => new PcapTap(inner, { write() {} })],
  ["FaultInjector without faults", (inner) => new FaultInjector(inner, { seed: 1 })],
];

function open(options: DeviceOptions, wrap: (inner: AsyncTunDevice) => AsyncTunDevice): ConformanceSubject {
  // Without any address, so that the kernel itself sends nothing through it.
  const inner = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none", ...options }));
  const socket = namespace.run(() => new PacketSocket(inner.index));
  const device = wrap(inner);
  return {
    device,
    send: (packet) => socket.send(packet),
    receive: () => socket.receive(),
    close: () => {
      socket[Symbol.dispose]();
      device.close();
    },
  };
}

for (const [name, wrap] of WRAPPERS) {
  conformance(`${name} around LinuxTun`, {
    open: () => open({}, wrap),
    capabilities: { medium: "ip", vnetHeader: false },
    cannot: { fullQueue: FULL_QUEUE, handOver: "what a wrapper does with packets is a function of its own thread" },
  });
}

for (const [name, options, refuses] of KINDS) {
  const { medium = "ip", offload: vnetHeader = false } = options;
  conformance(name, {
    open: () => open(options, (device) => device),
    capabilities: { medium, vnetHeader, vectored: true },
    transferred: { module: new URL("./hand-over.ts", import.meta.url).href, opener: "openTransferred" },
    cannot: { fullQueue: FULL_QUEUE, ...(refuses === undefined ? {} : { refuses }) },
  });
}
