import { describe, expect, test } from "bun:test";
import { L7, Reason, Verdict } from "@bunnel/abi";
import { CaptureKind, type CaptureRecord } from "@bunnel/backend";
import { quicInitial, quicInitials, udpPacket } from "@bunnel/wire";
import { QuicFinder, quicPort, readAnswer } from "./read-quic.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const BACK = { source: "203.0.113.9", destination: "192.0.2.7", sourcePort: 443, destinationPort: 40000 };
const ENDS6 = { source: "2001:db8::9", destination: "2001:db8::7", sourcePort: 443, destinationPort: 40000 };
const FLOW = "quic 192.0.2.7:40000 203.0.113.9:443";
const HOST = "video.example.org";

function copy(payload: Uint8Array, more: Partial<CaptureRecord> = {}): CaptureRecord {
  const said = { verdict: Verdict.Replace, reason: Reason.ReplacePlanned, l7: L7.Quic, rule: 0, delayMs: 0 };
  const octets = udpPacket({ ...ENDS, payload });
  return { ...said, kind: CaptureKind.Before, index: 0, count: 1, number: 1, timeMs: 1, octets, ...more };
}

describe("QuicFinder", () => {
  test("finds the host of a hello, in one datagram or several, and what the client calls the connection", () => {
    const finder = new QuicFinder(() => undefined);
    const found = finder.take(copy(quicInitial({ serverName: HOST })));
    expect(found).toEqual({
      seen: "initial",
      flow: FLOW,
      host: HOST,
      id: expect.stringMatching(/^(?:[0-9a-f]{2})+$/u),
    });
    const [first, second] = quicInitials({ serverName: HOST, datagrams: 2 }).map((payload) => copy(payload));
    if (first === undefined || second === undefined) throw new Error("expected two datagrams");
    expect(finder.take({ ...first, verdict: Verdict.Hold, rule: -1 })).toBeUndefined();
    expect(finder.take(second)).toMatchObject({ host: HOST });
  });

  test("opens nothing of a connection that is known, and asks by its own name for it", () => {
    const asked: string[] = [];
    const finder = new QuicFinder((flow, id) => {
      asked.push(`${flow} ${id}`);
      return "known.example.org";
    });
    const garbled = quicInitial({ serverName: HOST }).fill(0, 100);
    expect(finder.take(copy(garbled))).toMatchObject({ seen: "initial", host: "known.example.org" });
    expect(asked).toEqual([expect.stringContaining(FLOW)]);
  });

  test("has nothing of what leaves, of hellos that no rule acted on, and of what is no hello", () => {
    const finder = new QuicFinder(() => undefined);
    const hello = quicInitial({ serverName: HOST });
    expect(finder.take(copy(hello, { kind: CaptureKind.After }))).toBeUndefined();
    expect(finder.take(copy(hello, { l7: L7.Dns }))).toBeUndefined();
    expect(finder.take(copy(hello, { rule: -1 }))).toBeUndefined();
    expect(finder.take(copy(new Uint8Array(3)))).toBeUndefined();
    expect(finder.take(copy(new Uint8Array(1200).fill(0xff)))).toBeUndefined();
  });
});

describe("readAnswer()", () => {
  test("tells handshake from data, in both families, from the beginning alone", () => {
    const payload = new Uint8Array(1200).fill(0xc3);
    expect(readAnswer(udpPacket({ ...BACK, payload }).slice(0, 128))).toEqual({
      seen: "answer",
      flow: FLOW,
      isLong: true,
    });
    expect(readAnswer(udpPacket({ ...ENDS6, payload: payload.fill(0x43) }).slice(0, 128))).toEqual({
      ...{ seen: "answer", isLong: false },
      flow: "quic [2001:db8::7]:40000 [2001:db8::9]:443",
    });
  });

  test("has nothing of what is too short", () => {
    for (const bytes of [0, 1, 19, 28]) {
      expect(readAnswer(udpPacket({ ...BACK, payload: new Uint8Array(9) }).slice(0, bytes))).toBeUndefined();
    }
  });
});

test("quicPort() has the client's port", () => {
  expect(quicPort(FLOW)).toBe(40000);
  expect(quicPort("quic [2001:db8::7]:40001 [2001:db8::9]:443")).toBe(40001);
});
