// needs root
// What comes up, and by which queue, decided in the kernel. Beyond both anchors.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { PacketList } from "@bunnel/device";
import { conformanceFrame } from "@bunnel/device/conformance";
import {
  filterFrames,
  filterPackets,
  NetworkNamespace,
  openTunQueue,
  steerFlows,
  type LinuxTun,
} from "../../src/index.ts";
import { PacketSocket } from "../sys.ts";
import { ipPacket } from "./packets.ts";
import { closeDescriptor, loadAnswer } from "./sys.ts";
import { quietDevice, sysFile } from "./witness.ts";

const PACKETS = 20;

let namespace: NetworkNamespace;
beforeAll(() => {
  namespace = NetworkNamespace.create();
});
afterAll(() => namespace.close());

/** Octets of the packets that wait. */
function lengthsIn(device: LinuxTun): number[] {
  const list: PacketList = {
    at: Uint32Array.from({ length: 64 }, (_, i) => i * 2048 + 128),
    lengths: new Uint16Array(64),
  };
  device.attach(new ArrayBuffer(64 * 2048));
  return [...list.lengths.subarray(0, device.read(list, 0, 1500))];
}

/** A frame to an address that ends in `last`. */
function frameTo(first: number, last: number): Uint8Array {
  const frame = conformanceFrame(46, last);
  frame.set([first, 0, 0x5e, 0, 0x53, last]);
  return frame;
}

/** Lets a device have a program that answers `number`, while `work` runs. */
function answering(number: number, give: (program: number | undefined) => void, work: () => void): void {
  const program = loadAnswer(number);
  give(program);
  closeDescriptor(program);
  work();
  give(undefined);
}

describe("filterFrames()", () => {
  test("lets frames to these addresses come up, and all again without a filter", () => {
    using device = quietDevice(namespace, { medium: "ethernet" });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const sendAll = () => {
      for (const [first, last] of [
        [2, 1],
        [2, 2],
        [1, 3],
        [0x33, 4],
      ] as const)
        socket.send(frameTo(first, last));
    };
    filterFrames(device, { macs: ["02:00:5e:00:53:01"] });
    sendAll();
    expect(lengthsIn(device)).toHaveLength(1);
    filterFrames(device, { macs: ["02:00:5e:00:53:01"], allMulticast: true });
    sendAll();
    expect(lengthsIn(device)).toHaveLength(3);
    filterFrames(device, undefined);
    sendAll();
    expect(lengthsIn(device)).toHaveLength(4);
  });

  test("takes eight addresses of single hosts and any number of multicast ones, in any order", () => {
    using device = quietDevice(namespace, { medium: "ethernet" });
    using socket = namespace.run(() => new PacketSocket(device.index));
    const multicast = Array.from({ length: 20 }, (_, i) => `01:00:5e:00:01:${i.toString(16).padStart(2, "0")}`);
    const single = Array.from({ length: 8 }, (_, i) => `02:00:5e:00:53:0${i}`);
    filterFrames(device, { macs: [...multicast, ...single, "ff:ff:ff:ff:ff:ff"] });
    for (let last = 0; last < 12; last++) socket.send(frameTo(2, last));
    expect(lengthsIn(device)).toHaveLength(8);
    socket.send(frameTo(0xff, 0).fill(0xff, 0, 6));
    expect(lengthsIn(device)).toHaveLength(1);
    const tooMany = { macs: [...single, "02:00:5e:00:53:08"] };
    expect(() => filterFrames(device, tooMany)).toThrow("at most 8 addresses that are not multicast, found 9");
  });

  test("refuses what it cannot", () => {
    using tun = quietDevice(namespace);
    using tap = quietDevice(namespace, { medium: "ethernet" });
    expect(() => filterFrames(tun, { macs: ["02:00:5e:00:53:01"] })).toThrow("expected an ethernet device");
    expect(() => filterFrames(tap, { macs: [] })).toThrow("expected 1 to 256 addresses, found 0");
    expect(() => filterFrames(tap, { macs: ["nowhere"] })).toThrow("hardware address");
  });
});

describe("steerFlows()", () => {
  test("a program chooses the queue, of all flows and of each alike", () => {
    using first = quietDevice(namespace, { multiQueue: true });
    using second = openTunQueue(first);
    using socket = namespace.run(() => new PacketSocket(first.index));
    const sendAll = () => {
      for (let i = 0; i < PACKETS; i++) socket.send(ipPacket("192.0.2.7", "203.0.113.9", 60, 40_000 + i));
    };
    for (const [number, expected] of [
      [0, [PACKETS, 0]],
      [1, [0, PACKETS]],
      [2, [PACKETS, 0]],
    ] as const) {
      answering(
        number,
        (program) => steerFlows(first, program),
        () => {
          sendAll();
          expect([lengthsIn(first).length, lengthsIn(second).length]).toEqual([...expected]);
        },
      );
    }
    sendAll();
    expect(lengthsIn(second).length).toBeGreaterThan(0);
    expect(() => steerFlows(first, first.fd)).toThrow("expected a socket filter, found none");
    expect(() => steerFlows(first, 99_999)).toThrow("expected a socket filter, found none");
  });
});

describe("filterPackets()", () => {
  test("a program cuts packets, or drops them", () => {
    using device = quietDevice(namespace);
    using socket = namespace.run(() => new PacketSocket(device.index));
    const send = () => socket.send(ipPacket("192.0.2.7", "203.0.113.9", 60));
    answering(
      40,
      (program) => filterPackets(device, program),
      () => {
        send();
        expect(lengthsIn(device)).toEqual([40]);
      },
    );
    answering(
      0,
      (program) => filterPackets(device, program),
      () => {
        send();
        expect(lengthsIn(device)).toEqual([]);
        expect(sysFile(namespace, device.name, "statistics/tx_dropped")).toBe("1");
      },
    );
    send();
    expect(lengthsIn(device)).toEqual([60]);
    device.close();
    expect(() => filterPackets(device, undefined)).toThrow("expected it open, found it closed");
  });
});
