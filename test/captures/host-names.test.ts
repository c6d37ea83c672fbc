// HostNames where captures of today's clients do not go.
import { beforeEach, describe, expect, test } from "bun:test";
import { L7 } from "@bunnel/abi";
import { Engine, type FoundMessage, HostNames, QuicNames } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { clientHello, httpRequest, quicInitials, quicHello, splitRecords, tcpPacket, udpPacket } from "@bunnel/wire";

const OUT = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const BACK = { source: "203.0.113.9", destination: "192.0.2.7", sourcePort: 443, destinationPort: 40000 };
const HOST = "video.example.org";

let find: (packet: Uint8Array) => FoundMessage | undefined;

beforeEach(async () => {
  const engine = await Engine.create({ warm: false });
  engine.loadRules(encodeRules(parseProfile('[[rule]]\nname = "look"\nstrategy = "pass"\n')));
  const lane = engine.lane(0);
  const names = new HostNames(lane);
  const quic = new QuicNames();
  find = (packet) => {
    lane.place(0, packet);
    lane.work(1, 0, () => undefined, quic);
    return names.take();
  };
});

const segment = (seq: number, payload: Uint8Array): Uint8Array => tcpPacket({ ...OUT, seq, flags: "PA", payload });

describe("HostNames.take()", () => {
  test("reads a name that a record header divides", () => {
    const hello = clientHello({ serverName: HOST });
    const inName = Buffer.from(hello).indexOf(HOST) + 4 - 5;
    expect(find(segment(1, splitRecords(hello, [inName])))).toEqual({ l7: L7.Tls, host: HOST });
  });

  test("reads a name that a segment's end divides, and an answer in between does not matter", () => {
    const hello = clientHello({ serverName: HOST });
    const inName = Buffer.from(hello).indexOf(HOST) + 4;
    expect(find(segment(1, hello.subarray(0, inName)))).toBeUndefined();
    expect(find(tcpPacket({ ...BACK, seq: 9, flags: "PA", payload: new Uint8Array(20) }))).toBeUndefined();
    expect(find(tcpPacket({ ...OUT, seq: 1, flags: "A" }))).toBeUndefined();
    expect(find(segment(1 + inName, hello.subarray(inName)))).toEqual({ l7: L7.Tls, host: HOST });
  });

  test("says that a message has no name, and nothing of what is no message", () => {
    expect(find(tcpPacket({ ...OUT, seq: 0, flags: "S" }))).toEqual({ l7: L7.Syn });
    expect(find(segment(1, clientHello({})))).toEqual({ l7: L7.Tls });
    expect(find(segment(1, new Uint8Array(99)))).toBeUndefined();
    expect(find(Uint8Array.of(0))).toBeUndefined();
    expect(find(segment(1, httpRequest({ host: HOST })))).toEqual({ l7: L7.Http, host: HOST });
  });

  test("reads QUIC with the datagram in which the name is told", () => {
    const hello = quicHello({ serverName: HOST, extensionOrder: "last", keyShareBytes: 1216 });
    const [first = hello, second = hello] = quicInitials({ hello, datagrams: 2 });
    expect(find(udpPacket({ ...OUT, payload: first }))).toBeUndefined();
    expect(find(udpPacket({ ...OUT, payload: second }))).toEqual({ l7: L7.Quic, host: HOST });
  });
});
