// needs root
// How much a pump takes at once, and how often it looks whether packets can be merged.
import { closeSync, openSync } from "node:fs";
import { expect, test } from "bun:test";
import { conformancePacket } from "@bunnel/device/conformance";
import { pumpMemory } from "../../test/pump/memory.ts";
import { NetworkNamespace } from "../namespace.ts";
import { openLinuxTun } from "../open.ts";
import { openPump } from "./open.ts";
import type { Merger } from "./pump.ts";
import { eventOf, portOf, PumpedTun } from "./pumped-tun.ts";

test("a burst ends with the packet that reaches 128 KiB: three super-packets, or sixty-four small ones", () => {
  const { memory } = pumpMemory(64);
  // Whatever a read asks for is there.
  const fd = openSync("/dev/zero", "r");
  using pump = openPump({ memory, ports: [{ name: "zero", fd, headerBytes: 0 }], eventFd: -1, backend: "plain" });
  const list = { at: new Uint32Array(64).fill(4096), lengths: new Uint16Array(64) };
  const bursts = (octets: number) => Array.from({ length: 4 }, () => pump.read(0, list, 0, octets));
  // The first two times a lone packet is expected.
  expect(bursts(65_535)).toEqual([1, 1, 3, 3]);
  expect(bursts(9000)).toEqual([15, 15, 15, 15]);
  expect(bursts(1500)).toEqual([64, 64, 64, 64]);
  closeSync(fd);
});

/** Merges two packets whenever it is told to. */
class PlayedMerger implements Merger {
  looks = 0;
  merges = false;
  readonly groups;

  constructor(readonly tx: Merger["tx"]) {
    const [at = 0] = tx.at;
    // One group of one piece: all that stands for both.
    this.groups = {
      records: Uint32Array.of(0, 1, at - 10, 10 + (tx.lengths[0] ?? 0)),
      piecesAt: 0,
      order: new Uint16Array(2),
    };
  }

  coalesce(): number {
    this.looks++;
    return this.merges ? 1 : 2;
  }

  loosen(): void {}
}

test("where nothing can be merged for eight bursts, every eighth is looked at until one can", () => {
  using namespace = NetworkNamespace.create();
  const device = namespace.run(() => openLinuxTun({ ipv6LinkLocal: "none", offload: true }));
  const place = pumpMemory(2);
  const list = place.list(2);
  const packet = conformancePacket(100, 1);
  for (const [i, at] of list.at.entries()) {
    place.octets.set(packet, at);
    list.lengths[i] = packet.length;
  }
  const merger = new PlayedMerger(list);
  const pump = openPump({ memory: place.memory, ports: [portOf(device)], eventFd: eventOf(device), backend: "plain" });
  using pumped = new PumpedTun(device, pump, 0, merger);
  const looksOver = (bursts: number): number => {
    merger.looks = 0;
    for (let i = 0; i < bursts; i++) expect(pumped.write(list, 0, 2)).toBe(2);
    return merger.looks;
  };
  expect([looksOver(8), looksOver(32), looksOver(3)]).toEqual([8, 4, 1]);
  merger.merges = true;
  // The sixth of them is the eighth since the last look; from it on each is looked at.
  expect(looksOver(16)).toBe(11);
  expect(pump.counters()).toEqual({ read: 0, written: 43 * 2 + 5 * 2 + 11, refused: {} });
});
