// needs root: network namespaces and packet sockets
// The tap for QUIC, with datagrams that the server of a lab sends to its client; the last one says that all came.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Wake } from "@bunnel/device";
import { RawSender } from "../../test/intercept/sys.ts";
import { RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import { openQuicTap, type QuicTap } from "./inbound-tap.ts";
import { QUIC_PORTS_MAX, QUIC_SNAP_BYTES, type QuicWanted } from "./quic-filter.ts";

const SLOT_BYTES = 2048;
const LONG = 0xc0;
const SHORT = 0x40;
const LAST_PORT = 9999;
const WAIT_MS = 30_000;

let lab: RoutedLab;
let tap: QuicTap | undefined;
beforeEach(async () => {
  lab = await RoutedLab.open();
  // Behind that the server knows how to reach the client.
  for (const to of [SERVER4, SERVER6]) lab.say("x", { to, port: 80 });
});
afterEach(() => {
  tap?.close();
  tap = undefined;
  lab[Symbol.dispose]();
});

const memory = new SharedArrayBuffer(64 * SLOT_BYTES);
const list = { at: Uint32Array.from({ length: 64 }, (_, slot) => slot * SLOT_BYTES), lengths: new Uint16Array(64) };

function listen(wanted: QuicWanted): QuicTap {
  tap = lab.client.run(() => openQuicTap(wanted));
  tap.attach(memory);
  tap.listen(true);
  return tap;
}

/** A datagram to the client; its checksum counts for nobody. */
function datagram(port: number, first: number, { from = 443, isV6 = false, bytes = 40 } = {}): Uint8Array {
  const header = isV6 ? 40 : 20;
  const packet = new Uint8Array(header + 8 + bytes);
  const view = new DataView(packet.buffer);
  if (isV6) {
    packet.set([0x60, 0, 0, 0, 0, 8 + bytes, 17, 64]);
    packet.set(Uint8Array.fromHex("20010db8000200000000000000000009" + "20010db8000100000000000000000001"), 8);
  } else {
    packet.set([0x45, 0, packet.length >> 8, packet.length & 255, 0, 1, 0, 0, 64, 17, 0, 0, 203, 0, 113, 9]);
    packet.set([192, 0, 2, 1], 16);
  }
  view.setUint16(header, from);
  view.setUint16(header + 2, port);
  view.setUint16(header + 4, 8 + bytes);
  packet[header + 8] = first;
  return packet;
}

/** Ports and first octets of what the tap has seen of these. */
function seen(by: QuicTap, wanted: QuicWanted, ...packets: Uint8Array[]): [number, number][] {
  // Of the same family: what waits for the neighbour's address leaves in its order.
  const isV6 = (packets[0]?.[0] ?? 0) >> 4 === 6;
  const last = datagram(LAST_PORT, wanted === "handshakes" ? LONG : SHORT, { isV6 });
  lab.server.run(() => {
    using sender = new RawSender(0);
    for (const packet of [...packets, last]) sender.send(packet);
  });
  const all: [number, number][] = [];
  while (all.at(-1)?.[0] !== LAST_PORT) {
    expect(by.wait(WAIT_MS)).toBe(Wake.Readable);
    const count = by.read(list, 0, SLOT_BYTES);
    all.push(...Array.from({ length: count }, (_, slot) => described(slot)));
  }
  return all.slice(0, -1);
}

function described(slot: number): [number, number] {
  const packet = new Uint8Array(memory, slot * SLOT_BYTES, list.lengths[slot]).slice();
  const header = (packet[0] ?? 0) >> 4 === 4 ? 20 : 40;
  return [((packet[header + 2] ?? 0) << 8) | (packet[header + 3] ?? 0), packet[header + 8] ?? 0];
}

describe.each([4, 6])("openQuicTap() over IPv%i", (family) => {
  const isV6 = family === 6;
  const mixed = [
    datagram(1001, LONG, { isV6 }),
    datagram(1001, SHORT, { isV6 }),
    datagram(1002, SHORT, { isV6 }),
    datagram(1003, LONG, { isV6, from: 53 }),
  ];

  test("hears the datagrams of handshakes alone, or those behind them", () => {
    expect(seen(listen("handshakes"), "handshakes", ...mixed)).toEqual([[1001, LONG]]);
    tap?.close();
    expect(seen(listen("data"), "data", ...mixed)).toEqual([
      [1001, SHORT],
      [1002, SHORT],
    ]);
  });

  test("hears those to the ports that are asked for, from the next one on", () => {
    const hears = listen("data");
    hears.follow([1002, LAST_PORT]);
    expect(seen(hears, "data", ...mixed)).toEqual([[1002, SHORT]]);
    hears.follow([LAST_PORT, ...Array.from({ length: QUIC_PORTS_MAX }, (_, i) => 1001 + i)]);
    expect(seen(hears, "data", ...mixed)).toHaveLength(2);
    expect(hears.dropped).toBe(0);
  });
});

test("openQuicTap() gives the beginning of a long datagram", () => {
  const hears = listen("data");
  seen(hears, "data", datagram(1001, SHORT, { bytes: 1200 }));
  expect(list.lengths[0]).toBe(QUIC_SNAP_BYTES);
});
