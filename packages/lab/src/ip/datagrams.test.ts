import { describe, expect, test } from "bun:test";
import { fragmentsOf, ipPacket, verifyChecksums } from "@bunnel/wire";
import { fromClient } from "../sample-traffic.ts";
import { DATAGRAM_WAIT_MS, Datagrams, DATAGRAMS_MAX } from "./datagrams.ts";

const PAYLOAD = Uint8Array.from({ length: 100 }, (_, index) => index);

/** The last packet that comes out of these. */
function collected(packets: readonly (Uint8Array | undefined)[]): Uint8Array | undefined {
  const datagrams = new Datagrams();
  let last: Uint8Array | undefined;
  for (const packet of packets) last = packet === undefined ? undefined : datagrams.take(packet, 0);
  return last;
}

/** A piece of an IPv4 or IPv6 packet of protocol 253 (for experiments, RFC 3692). */
function piece(family: 4 | 6, offset: number, octets: Uint8Array, moreFragments: boolean, id = 7): Uint8Array {
  const [source, destination] = family === 4 ? ["192.0.2.7", "203.0.113.9"] : ["2001:db8::7", "2001:db8::9"];
  return ipPacket({
    source,
    destination,
    protocol: 253,
    payload: octets,
    id,
    fragmentOffset: offset / 8,
    moreFragments,
  });
}

describe.each([4, 6] as const)("Datagrams.take() in IPv%d", (family) => {
  const whole = fromClient(0, PAYLOAD, { family, dontFragment: false });
  const pieces = fragmentsOf(whole, [24, 48]);

  test("passes a packet that is whole, and octets that are none", () => {
    expect(collected([whole])).toBe(whole);
    expect(collected([PAYLOAD])).toBe(PAYLOAD);
  });

  test("puts fragments of any order together, octet for octet", () => {
    const [first, second, third] = pieces;
    for (const order of [
      [first, second, third],
      [third, second, first],
      [second, first, third],
      [first, third, first, second],
    ]) {
      const made = collected(order);
      expect(made).toEqual(whole);
      expect(verifyChecksums(made ?? PAYLOAD).transport).toBe(true);
    }
  });

  test("gives nothing while a piece is missing", () => {
    expect(collected([pieces[0], pieces[2]])).toBeUndefined();
    expect(collected([pieces[1], pieces[2]])).toBeUndefined();
    expect(collected([pieces[0], pieces[1]])).toBeUndefined();
  });

  test("throws the datagram away when pieces overlap", () => {
    const head = piece(family, 0, PAYLOAD.subarray(0, 24), true);
    const over = piece(family, 16, PAYLOAD.subarray(0, 16), true);
    const tail = piece(family, 24, PAYLOAD.subarray(0, 5), false);
    expect(collected([head, over, tail])).toBeUndefined();
    expect(collected([head, tail])).toBeDefined();
  });

  test("throws the datagram away when pieces disagree about its end", () => {
    const head = piece(family, 0, PAYLOAD.subarray(0, 24), true);
    const end = piece(family, 24, PAYLOAD.subarray(0, 8), false);
    const beyond = piece(family, 32, PAYLOAD.subarray(0, 8), false);
    expect(collected([beyond, end, head])).toBeUndefined();
    expect(collected([end, beyond, head])).toBeUndefined();
  });

  test("refuses a piece that is no multiple of eight and not the last", () => {
    const odd = piece(family, 0, PAYLOAD.subarray(0, 20), true);
    expect(collected([odd, piece(family, 24, PAYLOAD.subarray(0, 5), false)])).toBeUndefined();
  });

  test("does not mix datagrams of different numbers", () => {
    const head = piece(family, 0, PAYLOAD.subarray(0, 24), true, 1);
    expect(collected([head, piece(family, 24, PAYLOAD.subarray(0, 5), false, 2)])).toBeUndefined();
  });

  test("forgets pieces after a while, and the oldest when there are too many", () => {
    const [first, second, third] = pieces;
    const late = new Datagrams();
    for (const packet of [first, second]) late.take(packet ?? PAYLOAD, 0);
    expect(late.take(third ?? PAYLOAD, DATAGRAM_WAIT_MS + 1)).toBeUndefined();
    const crowded = new Datagrams();
    for (const packet of [first, second]) crowded.take(packet ?? PAYLOAD, 0);
    for (let id = 100; id < 100 + DATAGRAMS_MAX; id += 1) {
      crowded.take(piece(family, 0, PAYLOAD.subarray(0, 8), true, id), 0);
    }
    expect(crowded.take(third ?? PAYLOAD, 0)).toBeUndefined();
  });
});

test("Datagrams.take() gives an atomic IPv6 fragment back at once, without its header", () => {
  const whole = fromClient(0, PAYLOAD, { family: 6 });
  const [atomic] = fragmentsOf(whole, []);
  expect(atomic).toHaveLength(whole.length + 8);
  expect(collected([atomic])).toEqual(whole);
});

test("Datagrams.take() keeps the headers before an IPv6 fragment header", () => {
  const fields = { source: "2001:db8::7", destination: "2001:db8::9", protocol: 253, payload: PAYLOAD };
  const options = { protocol: 0, data: Uint8Array.of(1, 4, 0, 0, 0, 0) };
  const whole = ipPacket({ ...fields, extensionHeaders: [options] });
  expect(collected(fragmentsOf(whole, [16]))).toEqual(whole);
});
