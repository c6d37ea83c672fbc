// Packets one by one, on top of any device that has whole packets.
import { expect } from "bun:test";
import { PacketPort } from "../packets.ts";
import { streamsOf } from "../streams.ts";
import { headerOf, rejection, type Bench, type ConformanceCase } from "./bench.ts";

const hasWholePackets: ConformanceCase["appliesTo"] = (capabilities) => !capabilities.vnetHeader;

/** A packet as a port gives and takes it: with its packet information, where there is such. */
function whole(bench: Bench, bytes: number, seed: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.of(...headerOf(bench.device.capabilities), ...bench.packet(bytes, seed));
}

export const portCases: readonly ConformanceCase[] = [
  {
    name: "a port reads at once, with a wait, and by blocking; and writes",
    appliesTo: hasWholePackets,
    async run(bench) {
      const port = new PacketPort(bench.device);
      expect(port.tryRead()).toBeUndefined();
      expect(port.readSync(1)).toBeUndefined();
      const reading = port.read();
      bench.subject.send(bench.packet(60, 1));
      expect(await reading).toEqual(whole(bench, 60, 1));
      bench.subject.send(bench.packet(61, 2));
      expect(port.readSync()).toEqual(whole(bench, 61, 2));
      expect(port.write(whole(bench, 62, 3))).toBe(true);
      expect(bench.subject.receive()).toEqual(bench.packet(62, 3));
      await port.send(whole(bench, 63, 4));
      expect(bench.subject.receive()).toEqual(bench.packet(63, 4));
    },
  },
  {
    name: "a read that is aborted rejects with the reason and loses no packet",
    appliesTo: hasWholePackets,
    async run(bench) {
      const port = new PacketPort(bench.device);
      const controller = new AbortController();
      const reading = port.read({ signal: controller.signal });
      controller.abort(new Error("no longer wanted"));
      expect(await rejection(reading)).toEqual(new Error("no longer wanted"));
      bench.subject.send(bench.packet(60, 1));
      expect(await rejection(port.read({ signal: controller.signal }))).toEqual(new Error("no longer wanted"));
      expect(await port.read()).toEqual(whole(bench, 60, 1));
    },
  },
  {
    name: "each of several reads under way gets a packet of its own",
    appliesTo: hasWholePackets,
    async run(bench) {
      const port = new PacketPort(bench.device);
      const reading = Promise.all([port.read(), port.read(), port.read()]);
      for (let i = 0; i < 3; i++) bench.subject.send(bench.packet(60 + i, i));
      const lengths = (await reading).map((packet) => packet.length).toSorted((a, b) => a - b);
      expect(lengths).toEqual([60, 61, 62].map((bytes) => whole(bench, bytes, 0).length));
    },
  },
  {
    name: "a read under way rejects with E_DEVICE_GONE when the device is closed; a loop just ends",
    appliesTo: hasWholePackets,
    async run(bench) {
      const port = new PacketPort(bench.device);
      const reading = rejection(port.read());
      const looping = (async () => {
        for await (const packet of port) throw new Error(`nothing was sent, found ${packet.length} octets`);
        return "ended";
      })();
      await Bun.sleep(1);
      bench.device.close();
      expect(await reading).toMatchObject({ code: "E_DEVICE_GONE" });
      expect(await looping).toBe("ended");
    },
  },
  {
    name: "a port gives and takes a packet in pieces",
    appliesTo: hasWholePackets,
    async run(bench) {
      const port = new PacketPort(bench.device);
      const packet = whole(bench, 90, 1);
      const [first, second] = [new Uint8Array(25), new Uint8Array(2000)];
      bench.subject.send(bench.packet(90, 1));
      expect(await port.readv([first, second])).toBe(packet.length);
      expect(Uint8Array.of(...first, ...second.subarray(0, packet.length - 25))).toEqual(packet);
      expect(port.tryReadv([first])).toBe(-1);
      expect(port.writev([packet.subarray(0, 3), packet.subarray(3)])).toBe(true);
      expect(bench.subject.receive()).toEqual(bench.packet(90, 1));
    },
  },
  {
    name: "streams carry packets both ways, and end with the device",
    appliesTo: hasWholePackets,
    async run(bench) {
      const { readable, writable } = streamsOf(new PacketPort(bench.device));
      bench.subject.send(bench.packet(60, 1));
      bench.subject.send(bench.packet(61, 2));
      const writer = writable.getWriter();
      const seen: number[] = [];
      for await (const packet of readable) {
        await writer.write(packet);
        if (seen.push(packet.length) === 2) bench.device.close();
      }
      expect(seen).toEqual([whole(bench, 60, 1).length, whole(bench, 61, 2).length]);
    },
  },
  {
    name: "a stream that is cancelled leaves the next packet to others",
    appliesTo: hasWholePackets,
    async run(bench) {
      const port = new PacketPort(bench.device);
      const reader = streamsOf(port).readable.getReader();
      const reading = reader.read();
      await reader.cancel();
      expect(await reading).toEqual({ done: true, value: undefined });
      bench.subject.send(bench.packet(60, 1));
      expect(await port.read()).toEqual(whole(bench, 60, 1));
    },
  },
];
