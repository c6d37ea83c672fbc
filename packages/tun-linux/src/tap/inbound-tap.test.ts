// needs root: network namespaces and packet sockets
// The tap in network namespaces, with real traffic. The witnesses are the server and /proc/net/packet.
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Wake, type InboundTap } from "@bunnel/device";
import { RawSender } from "../../test/intercept/sys.ts";
import { RoutedLab, SERVER4, SERVER6 } from "../../test/intercept/routed-lab.ts";
import { OUR_MARK } from "../intercept/marks.ts";
import { RouteNetlink } from "../netcfg/route-netlink.ts";
import { openInboundTap, openTransferredTap, type InboundTapOptions } from "./inbound-tap.ts";

const PAYLOAD = new Uint8Array(3000).fill(0x61);
const SLOT_BYTES = 2048;
const SLOTS = 8;
const WAIT_MS = 2000;
const SYN = 0x02;
const RST = 0x04;
const SYN_ACK = 0x12;
const PSH_ACK = 0x18;
const FIN_ACK = 0x11;
const RST_ACK = 0x14;
/** No server listens there. */
const CLOSED_PORT = 9;

let lab: RoutedLab;
const taps: InboundTap[] = [];
beforeEach(async () => {
  lab = await RoutedLab.open();
});
afterEach(() => {
  for (const tap of taps.splice(0)) tap.close();
  lab[Symbol.dispose]();
});

const memory = new SharedArrayBuffer(SLOTS * SLOT_BYTES);
const list = {
  at: Uint32Array.from({ length: SLOTS }, (_, slot) => slot * SLOT_BYTES),
  lengths: new Uint16Array(SLOTS),
};

function openTap(options: InboundTapOptions = {}): InboundTap {
  const tap = lab.client.run(() => openInboundTap(options));
  taps.push(tap);
  tap.attach(memory);
  tap.listen(true);
  return tap;
}

/** All that waits, as copies. */
function drain(tap: InboundTap): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let count = -1; count !== 0;) {
    count = tap.read(list, 0, SLOT_BYTES);
    for (let slot = 0; slot < count; slot++) {
      packets.push(new Uint8Array(memory, slot * SLOT_BYTES, list.lengths[slot]).slice());
    }
  }
  return packets;
}

/** Source port and flags of a segment. */
function describePacket(packet: Uint8Array): [number, number] {
  const tcp = (packet[0] ?? 0) >> 4 === 4 ? ((packet[0] ?? 0) & 15) * 4 : 40;
  return [((packet[tcp] ?? 0) << 8) | (packet[tcp + 1] ?? 0), packet[tcp + 13] ?? 0];
}

function seen(tap: InboundTap): [number, number][] {
  return drain(tap).map(describePacket);
}

/** The client opens a connection at which nobody listens. */
function connectInVain(to: string): void {
  const script = `exec 3<>/dev/tcp/${to}/${CLOSED_PORT}`;
  const { exitCode } = lab.client.run(() => Bun.spawnSync(["bash", "-c", script], { stderr: "ignore" }));
  expect(exitCode).not.toBe(0);
}

/** An IPv4 segment to the client with this header length, fragment word and flags; its checksum counts for nobody. */
function segment4({ words = 5, fragment = 0, flags = SYN_ACK, payloadBytes = 0 } = {}): Uint8Array {
  const packet = new Uint8Array(words * 4 + 20 + payloadBytes);
  packet.set([0x40 | words, 0, packet.length >> 8, packet.length & 255, 0, 1, fragment >> 8, fragment & 255, 64, 6]);
  packet.set([203, 0, 113, 9, 192, 0, 2, 1], 12);
  packet.fill(1, 20, words * 4);
  packet.set([0x10, 0x92, 0xff, 0xff], words * 4);
  packet.set([0x50, flags], words * 4 + 12);
  return packet;
}

/** The server sends these to the client, and then a SYN,ACK from port 1 by which the end is known. */
function seenOf(tap: InboundTap, ...packets: Uint8Array[]): [number, number][] {
  const last = segment4();
  last.set([0, 1], 20);
  lab.server.run(() => {
    using sender = new RawSender(0);
    for (const packet of [...packets, last]) sender.send(packet);
  });
  const all = seen(tap);
  expect(all.pop()).toEqual([1, SYN_ACK]);
  return all;
}

describe("openInboundTap()", () => {
  test.each([SERVER4, SERVER6])("sees the SYN,ACK of a connection to %s, and nothing else of it", (to) => {
    const tap = openTap();
    expect(lab.say(PAYLOAD, { to, port: 443 }).answer).toBe(`heard ${PAYLOAD.length}`);
    connectInVain(to);
    const packets = drain(tap);
    expect(packets.map(describePacket)).toEqual([[443, SYN_ACK]]);
    const header = to === SERVER4 ? packets[0]?.subarray(12, 20) : packets[0]?.subarray(8, 40);
    expect(header?.toHex()).toBe(
      to === SERVER4
        ? "cb007109c0000201"
        : "20010db800020000" + "0000000000000009" + "20010db800010000" + "0000000000000001",
    );
    // The hop limit that it set out with, less none: the server is one link away.
    expect(packets[0]?.[to === SERVER4 ? 8 : 7]).toBe(64);
    expect(tap.dropped).toBe(0);
  });

  test.each([SERVER4, SERVER6])("sees resets of %s where they are asked for", (to) => {
    const tap = openTap({ rst: true });
    connectInVain(to);
    lab.say("x", { to, port: 80 });
    expect(seen(tap)).toEqual([
      [CLOSED_PORT, RST_ACK],
      [80, SYN_ACK],
    ]);
    const resetsOnly = openTap({ rst: true, synAck: false });
    connectInVain(to);
    lab.say("x", { to, port: 80 });
    expect(seen(resetsOnly)).toEqual([[CLOSED_PORT, RST_ACK]]);
  });

  test("hears what leaves where it is asked to, with the hop limit that it came with, and nothing of our own", () => {
    const tap = openTap({ forwarded: true });
    const leaving4 = segment4();
    leaving4.set([192, 0, 2, 1, 203, 0, 113, 9], 12);
    const leaving6 = new Uint8Array(60);
    leaving6.set([0x60, 0, 0, 0, 0, 20, 6, 50]);
    leaving6.set(Uint8Array.fromHex("20010db8000100000000000000000001" + "20010db8000200000000000000000009"), 8);
    leaving6.set([0x10, 0x92, 0xff, 0xff], 40);
    leaving6.set([0x50, SYN_ACK], 52);
    lab.client.run(() => {
      using ours = new RawSender(OUR_MARK);
      using sender = new RawSender(0);
      for (const packet of [leaving4, leaving6]) ours.send(packet);
      for (const packet of [leaving4, leaving6]) sender.send(packet);
    });
    expect(drain(tap).map((packet) => [packet[0], packet[8], packet[7]])).toEqual([
      [0x45, 65, 0],
      [0x60, 0x20, 51],
    ]);
    // What arrives is as it was.
    lab.say("x", { to: SERVER4, port: 80 });
    expect(drain(tap).map((packet) => packet[8])).toEqual([64]);
  });

  test.each([5, 9])("sees ends, and redirects of HTTP, where they are asked for: %i words of header", (words) => {
    const tap = openTap({ synAck: true, fin: true, redirects: true });
    const answer = (text: string, port = 80): Uint8Array => {
      const packet = segment4({ words, flags: PSH_ACK, payloadBytes: text.length });
      packet.set([port >> 8, port & 255], words * 4);
      packet.set(new TextEncoder().encode(text), words * 4 + 20);
      return packet;
    };
    const found = seenOf(
      tap,
      answer("HTTP/1.1 302 Found\r\nLocation: http://example.org/\r\n\r\n"),
      answer("HTTP/1.0 301 Moved\r\n\r\n"),
      answer("HTTP/1.1 200 OK\r\n\r\n"),
      answer("HTTP/1.1 302 Found\r\n\r\n", 8080),
      answer("HTTP"),
      segment4({ words, flags: FIN_ACK }),
    );
    expect(found).toEqual([
      [80, PSH_ACK],
      [80, PSH_ACK],
      [4242, FIN_ACK],
    ]);
  });

  test("sees what lies in the queue before the client knows that its connection stands", () => {
    const tap = openTap();
    for (let round = 0; round < 200; round++) {
      // The answer can only come after the client has sent, which comes after the SYN,ACK.
      const found = lab.say("x", { to: round % 2 === 0 ? SERVER4 : SERVER6, port: 80 });
      expect([found.answer, seen(tap)]).toEqual(["heard 1", [[80, SYN_ACK]]]);
    }
  });

  test("sees nothing of what the client sends, loops back or answers itself", () => {
    const tap = openTap({ rst: true });
    using own = lab.client.run(() => Bun.listen({ hostname: "0.0.0.0", port: 4433, socket: { data() {} } }));
    // A connection to itself, over the loopback device; then one from the server, whose SYN,ACK goes out.
    lab.near("bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/4433");
    lab.near("bash", "-c", "exec 3<>/dev/tcp/192.0.2.1/4433");
    lab.far("bash", "-c", "exec 3<>/dev/tcp/192.0.2.1/4433");
    expect(own.port).toBe(4433);
    expect(seenOf(tap)).toEqual([]);
  });

  test("looks behind options of IPv4, and not into later fragments, which have no TCP header", () => {
    const tap = openTap();
    expect(seenOf(tap, segment4({ words: 15 }))).toEqual([[0x1092, SYN_ACK]]);
    expect(seenOf(tap, segment4({ fragment: 0x2000 }))).toEqual([[0x1092, SYN_ACK]]);
    expect(seenOf(tap, segment4({ fragment: 0x0001 }))).toEqual([]);
    for (const flags of [SYN, 0x10, SYN_ACK | RST, 0x11, 0]) expect(seenOf(tap, segment4({ flags }))).toEqual([]);
    for (const flags of [0x52, 0xd2, 0x1a]) expect(seenOf(tap, segment4({ flags }))).toEqual([[0x1092, flags]]);
  });

  test("gives the beginning of a long packet", () => {
    const tap = openTap();
    lab.server.run(() => {
      using sender = new RawSender(0);
      sender.send(segment4({ payloadBytes: 1000 }));
    });
    expect(drain(tap).map((packet) => packet.length)).toEqual([256]);
  });

  test("looks at the interfaces that are named", () => {
    using netlink = lab.client.run(() => RouteNetlink.open());
    const index = (name: string): number => netlink.link(name)?.index ?? 0;
    const first = openTap({ interfaceIndexes: [index("c0")] });
    const second = openTap({ interfaceIndexes: [index("c1")] });
    const both = openTap({ interfaceIndexes: [index("c1"), index("c0")] });
    lab.say("x", { to: SERVER4, port: 80 });
    lab.say("x", { to: "198.18.0.9", port: 443 });
    expect([first, second, both].map(seen)).toEqual([
      [[80, SYN_ACK]],
      [[443, SYN_ACK]],
      [
        [80, SYN_ACK],
        [443, SYN_ACK],
      ],
    ]);
  });

  test("survives an interface that goes down", () => {
    const tap = openTap();
    lab.near("ip", "link", "set", "c1", "down");
    lab.say("x", { port: 80 });
    expect(seen(tap)).toEqual([[80, SYN_ACK]]);
  });

  test.each<[string, InboundTapOptions]>([
    ["tap: expected synAck, rst, fin or redirects, found none of them", { synAck: false }],
    ["tap interfaces: expected 1…64, found 0", { interfaceIndexes: [] }],
    ["tap interfaces: expected 1…64, found 65", { interfaceIndexes: Array.from({ length: 65 }, (_, i) => i + 1) }],
    ["tap interface: expected an index from 1, found 0", { interfaceIndexes: [0] }],
  ])("says %p", (message, options) => {
    expect(() => openInboundTap(options)).toThrow(message);
  });
});

describe("InboundTap", () => {
  test("listen() decides whether the kernel looks at all", () => {
    const tap = openTap();
    const hooks = (): string[] =>
      lab
        .near("cat", "/proc/net/packet")
        .split("\n")
        .slice(1)
        .filter((line) => line !== "")
        .map((line) => line.trim().split(/\s+/u).slice(3, 6).join(" "));
    // Protocol, interface, running. Packets of another protocol do not meet the hook.
    expect(hooks()).toEqual(["0003 0 1"]);
    tap.listen(false);
    expect(hooks()).toEqual(["88b5 0 1"]);
    lab.say("x", { port: 80 });
    expect(seen(tap)).toEqual([]);
    tap.listen(true);
    tap.listen(true);
    lab.say("x", { port: 443 });
    expect(seen(tap)).toEqual([[443, SYN_ACK]]);
  });

  test("wait() comes back for a packet, for wake(), in time, and at the end", () => {
    const tap = openTap();
    expect(tap.wait(0)).toBe(Wake.Timeout);
    lab.say("x", { port: 80 });
    expect(tap.wait(WAIT_MS)).toBe(Wake.Readable);
    tap.wake();
    expect(tap.wait(WAIT_MS)).toBe(Wake.Woken);
    drain(tap);
    expect(tap.wait(0)).toBe(Wake.Timeout);
    tap.close();
    expect(tap.wait(WAIT_MS)).toBe(Wake.Closed);
  });

  test("openTransferredTap() borrows: its close() closes nothing", () => {
    const tap = openTap();
    const borrowed = openTransferredTap(structuredClone(tap.handOver()));
    borrowed.attach(memory);
    lab.say("x", { port: 80 });
    expect(seen(borrowed)).toEqual([[80, SYN_ACK]]);
    tap.wake();
    expect(borrowed.wait(WAIT_MS)).toBe(Wake.Woken);
    borrowed.close();
    lab.say("x", { port: 443 });
    expect(seen(tap)).toEqual([[443, SYN_ACK]]);
    expect(() => openTransferredTap({ driver: "linux" })).toThrow('expected one of driver "linux-tap", found "linux"');
  });

  test("counts what found no room", () => {
    const tap = openTap({ receiveBufferBytes: 1 });
    lab.server.run(() => {
      using sender = new RawSender(0);
      for (let i = 0; i < 100; i++) sender.send(segment4());
    });
    const came = drain(tap).length;
    expect(came).toBeGreaterThan(0);
    expect(tap.dropped + came).toBe(100);
    expect(tap.dropped + came).toBe(100);
  });

  test("says what is wrong with its use", () => {
    const tap = lab.client.run(() => openInboundTap());
    expect(() => tap.read(list, 0, SLOT_BYTES)).toThrow("expected a memory by attach(), found none");
    tap.attach(new ArrayBuffer(100));
    expect(() => tap.read(list, 0, SLOT_BYTES)).toThrow(RangeError);
    tap.close();
    tap.close();
    expect(() => tap.read(list, 0, SLOT_BYTES)).toThrow("tap: expected open, found closed");
    expect(() => tap.listen(true)).toThrow("tap: expected open, found closed");
  });
});
