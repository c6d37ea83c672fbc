import { describe, expect, test } from "bun:test";
import { L7, Reason, Verdict } from "@bunnel/abi";
import { CaptureKind, type CaptureRecord } from "@bunnel/backend";
import { clientHello, httpRequest, tcpPacket } from "@bunnel/wire";
import { MessageFinder, readInbound, readRelayed } from "./read-traffic.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const BACK = { source: "203.0.113.9", destination: "192.0.2.7", sourcePort: 443, destinationPort: 40000, hopLimit: 55 };
const FLOW = "192.0.2.7:40000 203.0.113.9:443";
const HOST = "video.example.org";

function copy(octets: Uint8Array, more: Partial<CaptureRecord> = {}): CaptureRecord {
  const said = { verdict: Verdict.Replace, reason: Reason.ReplacePlanned, l7: L7.Tls, rule: 0, delayMs: 0 };
  return { ...said, kind: CaptureKind.Before, index: 0, count: 2, number: 1, timeMs: 1, octets, ...more };
}

describe("MessageFinder", () => {
  test("finds the host of a ClientHello and of an HTTP request", () => {
    const finder = new MessageFinder();
    const payload = clientHello({ serverName: "VIDEO.example.org" });
    const hello = tcpPacket({ ...ENDS, flags: "PA", seq: 7, payload });
    expect(finder.take(copy(hello))).toEqual({ seen: "hello", flow: FLOW, host: HOST, kind: "tls", seq: 7 });
    const request = tcpPacket({
      ...{ ...ENDS, destinationPort: 80, flags: "PA", seq: 9 },
      payload: httpRequest({ host: `${HOST}:80` }),
    });
    expect(finder.take(copy(request, { l7: L7.Http }))).toMatchObject({ host: HOST, kind: "http", seq: 9 });
  });

  test("puts together what is held in parts", () => {
    const finder = new MessageFinder();
    const payload = clientHello({ serverName: HOST });
    const first = tcpPacket({ ...ENDS, flags: "A", seq: 7, payload: payload.slice(0, 60) });
    const second = tcpPacket({ ...ENDS, flags: "PA", seq: 67, payload: payload.slice(60) });
    expect(finder.take(copy(first, { verdict: Verdict.Hold }))).toBeUndefined();
    expect(finder.take(copy(second))).toMatchObject({ host: HOST, seq: 7 });
  });

  test("has nothing of what leaves, of other messages and of hellos without a name", () => {
    const finder = new MessageFinder();
    const hello = tcpPacket({ ...ENDS, flags: "PA", payload: clientHello({ serverName: HOST }) });
    expect(finder.take(copy(hello, { kind: CaptureKind.After }))).toBeUndefined();
    expect(finder.take(copy(hello, { l7: L7.Dns }))).toBeUndefined();
    const noName = tcpPacket({ ...ENDS, flags: "PA", payload: clientHello({}).slice(0, 40) });
    expect(finder.take(copy(noName))).toBeUndefined();
  });
});

describe("readInbound()", () => {
  const read = (packet: Uint8Array, host = HOST) => readInbound(packet, () => host);

  test("tells accepted connections, resets and ends, each with its flow as the client began it", () => {
    const said = { flow: FLOW, hopLimit: 55 };
    expect(read(tcpPacket({ ...BACK, flags: "SA", seq: 5 }))).toEqual({ seen: "synAck", ...said, seq: 5 });
    expect(read(tcpPacket({ ...BACK, flags: "RA", seq: 6 }))).toEqual({ seen: "reset", ...said, seq: 6 });
    const payload = new Uint8Array(100);
    expect(read(tcpPacket({ ...BACK, flags: "FA", seq: 6, payload }))).toEqual({ seen: "end", ...said, seq: 106 });
    expect(read(tcpPacket({ ...BACK, flags: "PA", payload }))).toBeUndefined();
  });

  test("an end of which only the beginning is there is where the whole one ends", () => {
    for (const family of [BACK, { ...BACK, source: "2001:db8::9", destination: "2001:db8::7" }]) {
      const whole = tcpPacket({ ...family, flags: "FA", seq: 6, payload: new Uint8Array(3000) });
      expect(read(whole.slice(0, 1500))).toMatchObject({ seen: "end", seq: 3006 });
    }
  });

  test.each([
    ["http://blocked.example.net/", true],
    ["HTTPS://Login.Example.Net/x?y", true],
    ["https://www.example.org/", false],
    ["/there", false],
    ["http://", false],
  ])("a redirect to %s: from another site %p", (to, isOther) => {
    const payload = new TextEncoder().encode(`HTTP/1.1 302 Found\r\nServer: x\r\nlocation: ${to}\r\n\r\n`);
    const packet = tcpPacket({ ...BACK, sourcePort: 80, flags: "PA", payload });
    const flow = "192.0.2.7:40000 203.0.113.9:80";
    if (isOther) expect(read(packet)).toEqual({ seen: "redirect", flow, hopLimit: 55 });
    else expect(read(packet)).toBeUndefined();
    expect(readInbound(packet, () => undefined)).toBeUndefined();
  });
});

test("readRelayed() names the flow that the sockets have to the outside", () => {
  const local = { address: "192.0.2.7", port: 40000 };
  const remote = { address: "203.0.113.9", port: 443 };
  const message = { number: 3, local, remote, host: "VIDEO.example.org", kind: "tls" } as const;
  expect(readRelayed(message)).toEqual({ seen: "hello", flow: FLOW, host: HOST, kind: "tls", seq: 3 });
});
