// The axes one by one: what a model makes, whom it punishes, what it lets go of, and what it does with datagrams.
import { describe, expect, test } from "bun:test";
import { decodePacket, fragmentsOf, quicInitial, udpPacket } from "@bunnel/wire";
import { dnsQuery, readDnsQuestion } from "../dns-message.ts";
import { ALLOWED, BLOCKED, CLIENT_SEQ, fromClient, fromServer, HTTP, syn, synAck, TLS } from "../sample-traffic.ts";
import type { Censor, CensorOptions } from "./censor.ts";
import { BLOCK_PAGE } from "./forge.ts";
import type { CensorName } from "./gallery.ts";
import { makeCensor } from "./gallery.ts";

const NONE = new Uint8Array(0);
const END = CLIENT_SEQ + 1 + TLS.bad.length;

/** A model behind the handshake. */
function watching(name: CensorName, options: Partial<CensorOptions> = {}): Censor {
  const censor = makeCensor(name, { blocked: [BLOCKED], ...options });
  censor.judge(syn(), "outbound", 0);
  censor.judge(synAck(), "inbound", 0);
  censor.judge(fromClient(0, NONE), "outbound", 0);
  return censor;
}

describe("the reaction axis", () => {
  test("henan resets the client alone, with ten octets, and lets the packet pass", () => {
    const { forward, inject = [] } = watching("henan").judge(fromClient(0, TLS.bad), "outbound", 1);
    expect(forward).toBe(true);
    expect(inject.map(({ to, behind }) => [to, behind])).toEqual([["client", true]]);
    const { tcpFlags, payload, ack } = decodePacket(inject[0]?.packet ?? NONE);
    expect({ tcpFlags, payload: [...payload], ack }).toEqual({
      tcpFlags: 0x14,
      payload: [1, 2, 3, 4, 5, 6, 7, 8, 9, 0],
      ack: END,
    });
  });

  test("gfw-tls has three injectors, told apart by flags, identification and DF", () => {
    const { forward, inject = [] } = watching("gfw-tls").judge(fromClient(0, TLS.bad), "outbound", 1);
    expect(forward).toBe(true);
    const seen = inject.map(({ packet, to }) => {
      const { tcpFlags, id } = decodePacket(packet);
      return { to, flags: tcpFlags, isZero: id === 0, isWhole: ((packet[6] ?? 0) & 0x40) !== 0 };
    });
    for (const to of ["client", "server"] as const) {
      expect(seen.filter((each) => each.to === to)).toEqual([
        { to, flags: 4, isZero: true, isWhole: false },
        ...Array.from({ length: 3 }, () => ({ to, flags: 0x14, isZero: false, isWhole: true })),
        { to, flags: 0x14, isZero: false, isWhole: false },
      ]);
    }
    const ids = new Set(inject.slice(1, 4).map(({ packet }) => decodePacket(packet).id));
    expect(ids.size).toBe(3);
  });

  test("http-tap sends the client elsewhere, with a small identification, and resets the server", () => {
    const { inject = [] } = watching("http-tap").judge(fromClient(0, HTTP.bad), "outbound", 1);
    expect(inject.map(({ to }) => to)).toEqual(["client", "server"]);
    const page = decodePacket(inject[0]?.packet ?? NONE);
    expect(page.payload).toEqual(BLOCK_PAGE);
    expect(page.id).toBeLessThanOrEqual(15);
    expect(page.tcpFlags & 1).toBe(1);
  });

  test("http-tap knows Host as browsers spell it, and no other", () => {
    const text = new TextDecoder().decode(HTTP.bad);
    const other = (spelt: string) => fromClient(0, new TextEncoder().encode(text.replace("Host: ", spelt)));
    expect(watching("http-tap").judge(other("Host: "), "outbound", 1).matched).toBe(BLOCKED);
    expect(watching("http-tap").judge(other("host: "), "outbound", 1).matched).toBeUndefined();
    expect(watching("http-tap").judge(fromClient(0, TLS.bad), "outbound", 1).matched).toBeUndefined();
  });

  test("rst-tap resets the server behind the packet that it saw last", () => {
    const censor = watching("rst-tap");
    censor.judge(fromClient(TLS.middle, TLS.bad.subarray(TLS.middle)), "outbound", 1);
    const { inject = [] } = censor.judge(fromClient(0, TLS.bad.subarray(0, TLS.middle)), "outbound", 1);
    expect(inject.map(({ to, packet }) => [to, decodePacket(packet).seq])).toEqual([
      ["server", CLIENT_SEQ + 1 + TLS.middle],
    ]);
  });

  test("iran keeps the client's packets and lets the server's pass", () => {
    const censor = watching("iran");
    expect(censor.judge(fromClient(0, TLS.bad), "outbound", 1).forward).toBe(false);
    expect(censor.judge(fromClient(TLS.bad.length, NONE), "outbound", 2).forward).toBe(false);
    expect(censor.judge(fromServer(0, 0), "inbound", 2).forward).toBe(true);
  });

  test("geneva-3 sends five resets to each side, before the packet", () => {
    const { forward, inject = [] } = watching("geneva-3").judge(fromClient(0, TLS.bad), "outbound", 1);
    expect(forward).toBe(true);
    expect(inject.map(({ to }) => to)).toEqual([
      ...Array.from({ length: 5 }, () => "client" as const),
      ...Array.from({ length: 5 }, () => "server" as const),
    ]);
    expect(inject.some(({ behind }) => behind === true)).toBe(false);
  });
});

describe("the residual axis", () => {
  const others = { sourcePort: 40001, seq: 9_000 };

  test("gfw-tls answers everything between the hosts and that port for 180 s", () => {
    const censor = watching("gfw-tls");
    censor.judge(fromClient(0, TLS.bad), "outbound", 1000);
    const later = (nowMs: number, change = {}) =>
      censor.judge(fromClient(0, NONE, { ...others, ...change }), "outbound", nowMs).inject?.length ?? 0;
    expect([later(2000), later(180_999), later(181_000)]).toEqual([10, 10, 0]);
    expect(later(2000, { destinationPort: 80 })).toBe(0);
    expect(later(2000, { destination: "203.0.113.10" })).toBe(0);
  });

  test("geneva-1 cuts the client off for good, and nobody else", () => {
    const censor = watching("geneva-1");
    censor.judge(fromClient(0, TLS.bad), "outbound", 1);
    expect(censor.judge(fromClient(0, NONE, others), "outbound", 1e9).forward).toBe(false);
    expect(censor.judge(fromClient(0, NONE, { source: "192.0.2.8" }), "outbound", 2).forward).toBe(true);
    expect(censor.judge(fromServer(0, 0), "inbound", 2).forward).toBe(true);
    censor.reset();
    expect(censor.judge(fromClient(0, NONE, others), "outbound", 3).forward).toBe(true);
  });

  test("a model without it forgets the client with the connection", () => {
    const censor = watching("full-first");
    censor.judge(fromClient(0, TLS.bad), "outbound", 1);
    expect(censor.judge(syn(others), "outbound", 2).forward).toBe(true);
  });
});

describe("the policy axis", () => {
  test("tspu freezes what it does not know after 16 KiB of the server, and nothing that it knows", () => {
    const answer = new Uint8Array(1400);
    const frozenAfter = (payload: Uint8Array) => {
      const censor = watching("tspu");
      censor.judge(fromClient(0, payload), "outbound", 1);
      return Array.from({ length: 20 }, (_, turn) => {
        return censor.judge(fromServer(turn * 1400, 10, { payload: answer }), "inbound", 2).forward;
      }).indexOf(false);
    };
    expect(frozenAfter(new Uint8Array(50).fill(9))).toBe(Math.floor(16_384 / 1400));
    expect(frozenAfter(TLS.good)).toBe(-1);
  });

  test("tspu ends a connection at a hello outside of the window", () => {
    const { forward, matched } = watching("tspu").judge(fromClient(-10_000, TLS.good), "outbound", 1);
    expect({ forward, matched }).toEqual({ forward: false, matched: "a hello outside of the window" });
    expect(watching("tspu").judge(fromClient(-10_000, new Uint8Array(9)), "outbound", 1).forward).toBe(true);
  });

  test("iran wants something known among the first two packets, on its ports alone", () => {
    const unknown = (destinationPort: number) => {
      const censor = makeCensor("iran", { blocked: [BLOCKED] });
      censor.judge(syn({ destinationPort }), "outbound", 0);
      return [0, 9, 18].map((at) => {
        return censor.judge(fromClient(at, new Uint8Array(9).fill(7), { destinationPort }), "outbound", 1).forward;
      });
    };
    expect(unknown(443)).toEqual([true, false, false]);
    expect(unknown(8443)).toEqual([true, true, true]);
  });

  test("allow-list lets through the names it has, and no others", () => {
    const options = { blocked: [], allowed: [ALLOWED] };
    const judged = (payload: Uint8Array) =>
      watching("allow-list", options).judge(fromClient(0, payload), "outbound", 1);
    expect(judged(TLS.good).forward).toBe(true);
    expect(judged(TLS.bad)).toMatchObject({ forward: false, matched: BLOCKED });
    expect(judged(new Uint8Array(40).fill(200))).toMatchObject({ forward: false, matched: "an unknown protocol" });
  });
});

describe("the UDP axis", () => {
  const ends = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
  const initial = (serverName: string, more = {}) => {
    return udpPacket({ ...ends, payload: quicInitial({ serverName }), dontFragment: false, ...more });
  };

  test("gfw-quic opens the first datagram of a flow and keeps what follows for 180 s", () => {
    const censor = makeCensor("gfw-quic", { blocked: [BLOCKED] });
    expect(censor.judge(initial(BLOCKED), "outbound", 0)).toEqual({ forward: true, matched: BLOCKED });
    const later = udpPacket({ ...ends, sourcePort: 50000, payload: new Uint8Array(40) });
    expect([1, 179_999, 180_001].map((nowMs) => censor.judge(later, "outbound", nowMs).forward)).toEqual([
      false,
      false,
      true,
    ]);
  });

  test.each<[string, readonly Uint8Array[]]>([
    ["another name", [initial(ALLOWED)]],
    ["a second datagram", [udpPacket({ ...ends, payload: new Uint8Array(64) }), initial(BLOCKED)]],
    ["a source port that is not the greater one", [initial(BLOCKED, { sourcePort: 400 })]],
    ["version 2", [udpPacket({ ...ends, payload: quicInitial({ serverName: BLOCKED, version: 2 }) })]],
    [
      "a hello in two CRYPTO frames",
      [udpPacket({ ...ends, payload: quicInitial({ serverName: BLOCKED, cryptoSplit: [40] }) })],
    ],
    ["a datagram cut short", [udpPacket({ ...ends, payload: quicInitial({ serverName: BLOCKED }).subarray(0, 900) })]],
    ["IP fragments", fragmentsOf(initial(BLOCKED), [16])],
  ])("gfw-quic lets pass %s", (_, packets) => {
    const censor = makeCensor("gfw-quic", { blocked: [BLOCKED] });
    for (const packet of packets) expect(censor.judge(packet, "outbound", 0)).toEqual({ forward: true });
  });

  test("gfw-quic looks again when a flow was silent for 60 s", () => {
    const censor = makeCensor("gfw-quic", { blocked: [BLOCKED] });
    censor.judge(udpPacket({ ...ends, payload: new Uint8Array(64) }), "outbound", 0);
    expect(censor.judge(initial(BLOCKED), "outbound", 59_000).matched).toBeUndefined();
    expect(censor.judge(initial(BLOCKED), "outbound", 61_000).matched).toBe(BLOCKED);
  });

  test("dns-hijack answers for listed names on port 53, whole or in fragments", () => {
    const query = (name: string, destinationPort = 53) => {
      return udpPacket({ ...ends, destinationPort, payload: dnsQuery(name, 77), dontFragment: false });
    };
    const censor = makeCensor("dns-hijack", { blocked: [BLOCKED] });
    const { forward, inject = [] } = censor.judge(query(BLOCKED), "outbound", 0);
    expect(forward).toBe(false);
    const answer = decodePacket(inject[0]?.packet ?? NONE);
    expect([answer.source, answer.sourcePort, answer.destinationPort]).toEqual(["203.0.113.9", 53, 40000]);
    expect([...answer.payload.slice(-4)]).toEqual([10, 10, 34, 34]);
    expect(censor.judge(query(ALLOWED), "outbound", 0).forward).toBe(true);
    expect(censor.judge(query(BLOCKED, 5353), "outbound", 0).forward).toBe(true);
    const pieces = fragmentsOf(query(BLOCKED), [16]).map((piece) => censor.judge(piece, "outbound", 0));
    expect(pieces.map(({ matched }) => matched)).toEqual([undefined, BLOCKED]);
  });
});

test("readDnsQuestion() reads what dnsQuery() wrote, and refuses what is cut short", () => {
  const query = dnsQuery("a.example.org", 0x1234);
  expect(readDnsQuestion(query)).toMatchObject({ id: 0x1234, name: "a.example.org" });
  for (let bytes = 0; bytes < query.length; bytes += 1)
    expect(readDnsQuestion(query.subarray(0, bytes))).toBeUndefined();
});
