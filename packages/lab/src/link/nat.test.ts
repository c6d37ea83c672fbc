import { describe, expect, test } from "bun:test";
import { decodePacket, fragmentsOf, tcpOptions, udpPacket, verifyChecksums } from "@bunnel/wire";
import { fromClient, fromServer, stamp, syn, synAck, TLS } from "../sample-traffic.ts";
import type { Change } from "../sample-traffic.ts";
import { Nat } from "./nat.ts";
import type { NatKind } from "./nat.ts";

const NONE = new Uint8Array(0);
const ROUTER = { 4: "192.0.2.71", 6: "2001:db8:1::47" } as const;

/** A router behind the handshake of a connection. */
function connected(kind: NatKind, family: 4 | 6 = 4): Nat {
  const nat = new Nat(kind);
  nat.outbound(syn({ family }), 0);
  nat.inbound(toRouter(synAck({ family })));
  nat.outbound(fromClient(0, NONE, { family }), 0);
  return nat;
}

/** The packet as the server sends it: to the router. */
function toRouter(packet: Uint8Array): Uint8Array {
  return new Nat("lenient").inbound(packet);
}

describe.each(["lenient", "strict"] as const)("Nat, %s", (kind) => {
  test.each([4, 6] as const)("translates both ways and keeps checksums as they are, IPv%d", (family) => {
    const nat = connected(kind, family);
    const [out = NONE] = nat.outbound(fromClient(0, TLS.bad, { family }), 0);
    expect(decodePacket(out).source).toBe(ROUTER[family]);
    expect(verifyChecksums(out)).toEqual({ ip: family === 4 ? true : undefined, transport: true });
    const back = nat.inbound(toRouter(fromServer(0, 0, { family })));
    expect(decodePacket(back).destination).toBe(decodePacket(fromServer(0, 0, { family })).destination);
    expect(verifyChecksums(back).transport).toBe(true);
  });

  test("passes what Linux' connection tracking calls valid", () => {
    const changes: readonly Change[] = [
      { hopLimit: 2 },
      { options: stamp(1) },
      { options: tcpOptions([{ kind: "md5", digest: new Uint8Array(16) }]) },
      { seq: (5001 - 10_000) >>> 0 },
    ];
    for (const change of changes) expect(connected(kind).outbound(fromClient(0, TLS.bad, change), 0)).toHaveLength(1);
  });

  test("leaves the client's datagrams alone but for their address", () => {
    const fields = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
    const [out = NONE] = new Nat(kind).outbound(udpPacket({ ...fields, payload: TLS.good }), 0);
    expect(decodePacket(out)).toMatchObject({ source: ROUTER[4], payload: TLS.good });
    expect(verifyChecksums(out).transport).toBe(true);
  });
});

describe("Nat, strict", () => {
  test.each<[string, Change]>([
    ["a wrong checksum", { checksum: 0x1234 }],
    ["no ACK flag", { flags: "P", ack: 0 }],
    ["no flags", { flags: "-" }],
    ["SYN in the middle", { flags: "SPA" }],
    ["a number half the circle away", { seq: (5001 + 0x80000000) >>> 0 }],
    ["an acknowledgement of what was never sent", { ack: 0x40000000 }],
  ])("throws away %s, which the lenient one passes", (_, change) => {
    expect(connected("strict").outbound(fromClient(0, TLS.bad, change), 0)).toEqual([]);
    expect(connected("lenient").outbound(fromClient(0, TLS.bad, change), 0)).toHaveLength(1);
  });

  test("knows no connection without its SYN", () => {
    expect(new Nat("strict").outbound(fromClient(0, TLS.bad), 0)).toEqual([]);
    expect(new Nat("lenient").outbound(fromClient(0, TLS.bad), 0)).toHaveLength(1);
  });

  test("puts fragments together", () => {
    const nat = connected("strict");
    const whole = fromClient(0, TLS.bad, { dontFragment: false });
    const passed = fragmentsOf(whole, [64]).map((fragment) => nat.outbound(fragment, 0));
    expect(passed.map((packets) => packets.length)).toEqual([0, 1]);
    expect(decodePacket(passed[1]?.[0] ?? NONE).payload).toEqual(TLS.bad);
  });
});

test("Nat, none: packets stay as they are", () => {
  const packet = fromClient(0, TLS.bad, { checksum: 1 });
  expect(new Nat("none").outbound(packet, 0)[0]).toBe(packet);
  expect(new Nat("none").inbound(packet)).toBe(packet);
});
