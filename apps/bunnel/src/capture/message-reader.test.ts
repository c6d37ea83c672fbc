import { describe, expect, test } from "bun:test";
import { clientHello, POST_QUANTUM_SHARE_BYTES, tcpPacket } from "@bunnel/wire";
import { ExchangeFilter } from "./filter.ts";
import { MessageReader, type SeenExchange } from "./message-reader.ts";
import type { SeenPacket } from "./packet-event.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const HOST = "video.example.org";
const HELLO = clientHello({ serverName: HOST, keyShareBytes: POST_QUANTUM_SHARE_BYTES });
const REPLACED = { verdict: "Replace", reason: "ReplacePlanned", message: "tls", rule: "video" };

function packet(fields: Partial<SeenPacket>): SeenPacket {
  const said = {
    side: "before",
    number: 0,
    timeMs: 0,
    verdict: "Pass",
    reason: "PassOrdinary",
    index: 0,
    count: 1,
  } as const;
  return { ...said, delayMs: 0, octets: tcpPacket({ ...ENDS, flags: "A" }), ...fields };
}

function segment(from: number, to: number, seq = 1000 + from): Uint8Array {
  return tcpPacket({ ...ENDS, flags: "PA", seq, payload: HELLO.slice(from, to) });
}

function read(packets: readonly SeenPacket[]): SeenExchange[] {
  const reader = new MessageReader();
  return packets.map((each) => reader.take(each)).filter((exchange) => exchange !== undefined);
}

describe("MessageReader", () => {
  test("gives a packet with all that left for it, when the last of them is there", () => {
    const octets = segment(0, 517);
    const reader = new MessageReader();
    expect(reader.take(packet({ ...REPLACED, octets, count: 2 }))).toBeUndefined();
    expect(reader.take(packet({ ...REPLACED, side: "after", octets: segment(100, 517), count: 2 }))).toBeUndefined();
    const exchange = reader.take(packet({ ...REPLACED, side: "after", octets: segment(0, 100), index: 1, count: 2 }));
    expect(exchange).toMatchObject({ protocol: "tcp", source: "192.0.2.7:40000", bytes: 517 });
    expect(exchange?.steps.map(({ kind, from, to }) => [kind, from, to])).toEqual([
      ["piece", 100, 517],
      ["piece", 0, 100],
    ]);
  });

  test("puts a message together from the packets that were held for it, and finds whose it is", () => {
    const held = { verdict: "Hold", reason: "HoldMessage", message: "tls", count: 0 };
    const [first, whole] = read([
      packet({ ...held, octets: segment(0, 1000) }),
      packet({ ...REPLACED, octets: segment(1000, HELLO.length), count: 1, number: 1 }),
      packet({ ...REPLACED, octets: segment(0, HELLO.length), count: 1, number: 1, side: "after" }),
    ]);
    expect(first).toMatchObject({ before: { verdict: "Hold" }, steps: [] });
    expect(whole).toMatchObject({ host: HOST, bytes: HELLO.length, steps: [{ kind: "whole" }] });
    expect(whole?.held).toHaveLength(1);
    const { from = 0, to = 0 } = whole?.hostAt ?? {};
    expect(Buffer.from(HELLO.slice(from, to)).toString()).toBe(HOST);
  });

  test("a packet whose copies were lost does not disturb the next one", () => {
    const [only, ...more] = read([
      packet({ number: 1, count: 3 }),
      packet({ number: 1, side: "after", count: 3 }),
      packet({ number: 5 }),
      packet({ number: 5, side: "after" }),
      packet({ number: 1, side: "after", count: 3 }),
      packet({ side: "released" }),
    ]);
    expect(only?.before.number).toBe(5);
    expect(more).toEqual([]);
  });
});

describe("ExchangeFilter", () => {
  const exchange = (fields: Partial<SeenExchange>, before: Partial<SeenPacket> = {}): SeenExchange => {
    const [plain] = read([packet({ count: 0 })]);
    if (plain === undefined) throw new Error("expected an exchange");
    return { ...plain, ...fields, before: { ...plain.before, ...before } };
  };

  test("keeps a flow from the first message that fits until one that does not", () => {
    const filter = new ExchangeFilter({ host: "example.org" });
    const tls = { message: "tls" };
    expect(filter.fits(exchange({}))).toBe(false);
    expect(filter.fits(exchange({ host: "notexample.org" }, tls))).toBe(false);
    expect(filter.fits(exchange({ host: "a.Example.org" }, tls))).toBe(true);
    expect(filter.fits(exchange({}))).toBe(true);
    expect(filter.fits(exchange({ source: "192.0.2.7:40001" }))).toBe(false);
    expect(filter.fits(exchange({ host: "other.example.com" }, tls))).toBe(false);
    expect(filter.fits(exchange({}))).toBe(false);
  });

  test("everything that is given has to fit", () => {
    const filter = new ExchangeFilter({ host: "example.org", rule: "video", port: 443 });
    const fitting = { message: "tls", rule: "video" };
    expect(filter.fits(exchange({ host: "example.org" }, fitting))).toBe(true);
    expect(filter.fits(exchange({ host: "example.org", destinationPort: 444 }, fitting))).toBe(false);
    expect(filter.fits(exchange({ host: "example.org", destination: "[2001:db8::9]:443" }, { message: "tls" }))).toBe(
      false,
    );
    expect(new ExchangeFilter({ port: 40000 }).fits(exchange({}))).toBe(true);
  });
});
