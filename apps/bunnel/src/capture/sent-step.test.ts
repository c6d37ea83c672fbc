// What the engine really sends, read back from its octets.
import { beforeAll, describe, expect, test } from "bun:test";
import { Engine, QuicNames, transformer, type Transform } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import {
  clientHello,
  decodePacket,
  httpRequest,
  quicInitials,
  quicHello,
  tcpOptions,
  tcpPacket,
  udpPacket,
} from "@bunnel/wire";
import { stepText } from "./comment.ts";
import { readQueryName } from "./dns-name.ts";
import { explainSent } from "./sent-step.ts";

const HOST = "video.example.org";
const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443, seq: 7000 };
const options = tcpOptions([{ kind: "nop" }, { kind: "nop" }, { kind: "timestamps", value: 900_000, echo: 1 }]);
const HELLO = tcpPacket({ ...ENDS, flags: "PA", ack: 9, options, payload: clientHello({ serverName: HOST }) });
const REQUEST = tcpPacket({ ...ENDS, destinationPort: 80, flags: "PA", ack: 9, payload: httpRequest({ host: HOST }) });
const SYN = tcpPacket({ ...ENDS, flags: "S", options: tcpOptions([{ kind: "mss", bytes: 1460 }]) });
const [INITIAL = new Uint8Array()] = quicInitials({ hello: quicHello({ serverName: HOST }), datagrams: 1 });
const QUIC = udpPacket({ ...ENDS, payload: INITIAL });

let engine: Engine;
let transform: Transform;
beforeAll(async () => {
  engine = await Engine.create({ warm: false, seed: 1n });
  transform = transformer(engine.lane(0), new QuicNames());
});

function stepsOf(packet: Uint8Array, strategy: string): string[] {
  engine.reset();
  engine.loadRules(encodeRules(parseProfile(`[[rule]]\nname = "a"\nstrategy = "${strategy}"\n`)));
  const octets = decodePacket(packet).payload;
  return transform(packet).map((sent) => stepText(explainSent({ packet, octets }, sent), octets.length));
}

const BYTES = decodePacket(HELLO).payloadBytes;
const whole = `whole, octets 0 to ${BYTES} of ${BYTES}`;
const decoy = `decoy, octets 0 to ${BYTES} of ${BYTES}`;
const HTTP_BYTES = decodePacket(REQUEST).payloadBytes;
const QUIC_BYTES = INITIAL.length;

describe("explainSent()", () => {
  test.each<[string, Uint8Array, string, readonly string[]]>([
    ["pieces", HELLO, "tls: split(1)", [`piece, octets 0 to 1 of ${BYTES}`, `piece, octets 1 to ${BYTES} of ${BYTES}`]],
    [
      "their order",
      HELLO,
      "tls: split(1) disorder",
      [`piece, octets 1 to ${BYTES} of ${BYTES}`, `piece, octets 0 to 1 of ${BYTES}`],
    ],
    ["a decoy by hop limit", HELLO, "tls: fake(ttl=4)", [`${decoy}, ttl=4`, whole]],
    ["by checksum", HELLO, "tls: fake(badsum)", [`${decoy}, badsum`, whole]],
    [
      "by signature, with a time stamp left out",
      HELLO,
      "tls: fake(md5sig, after)",
      [whole, expect.stringMatching(/^decoy, .*md5sig/)],
    ],
    ["by flags", HELLO, "tls: fake(datanoack)", [`${decoy}, datanoack`, whole]],
    ["by time stamp", HELLO, "tls: fake(ts)", [`${decoy}, ts`, whole]],
    ["by numbers", HELLO, "tls: fake(badseq)", [`decoy, octets -10000 to ${BYTES - 10000} of ${BYTES}, badack`, whole]],
    [
      "an overlap before the window",
      HELLO,
      "tls: split(2) seqovl(5)",
      [`overlap, octets -5 to 2 of ${BYTES}, 5 foreign octets before it`, `piece, octets 2 to ${BYTES} of ${BYTES}`],
    ],
    [
      "an RST",
      HELLO,
      "tls: rst(ttl=3)",
      [expect.stringMatching(/^forged, ttl=3, flags=R|^forged, ttl=3, datanoack/), whole],
    ],
    [
      "a request changed in place",
      REQUEST,
      "http: httphost(case)",
      [`changed, octets 0 to ${HTTP_BYTES} of ${HTTP_BYTES}`],
    ],
    [
      "decoys of datagrams",
      QUIC,
      "quic: fake(zeros, x2)",
      [
        ...[1, 2].map(() => `decoy, octets 0 to ${QUIC_BYTES} of ${QUIC_BYTES}`),
        `whole, octets 0 to ${QUIC_BYTES} of ${QUIC_BYTES}`,
      ],
    ],
    ["a longer datagram", QUIC, "quic: udplen(+8)", [`changed, octets 0 to ${QUIC_BYTES + 8} of ${QUIC_BYTES}`]],
    [
      "fragments",
      QUIC,
      "quic: ipfrag(8)",
      ["fragment, octets 0 to 8 behind the IP header", `fragment, octets 8 to ${QUIC_BYTES + 8} behind the IP header`],
    ],
    ["options and window of a SYN", SYN, "syn: mss(88) window(1)", ["whole, window=1, mss=88"]],
    ["a foreign SYN,ACK", SYN, "syn: synack(badsum)", [expect.stringMatching(/^forged, badsum/), "whole"]],
  ])("tells %s", (_name, packet, strategy, expected) => {
    expect(stepsOf(packet, strategy)).toEqual([...expected]);
  });

  test("tells decoys of single pieces from the pieces, by their damage", () => {
    const kinds = stepsOf(HELLO, "tls: fakedsplit(midsld, ttl=4)").map((text) => text.split(",", 1)[0]);
    expect(kinds).toEqual(["decoy", "piece", "decoy", "decoy", "piece", "decoy"]);
  });
});

test("readQueryName() reads the name of a query, and nothing that is none", () => {
  const query = Uint8Array.fromHex("000101000001000000000000" + "05766964656f076578616d706c65036f726700" + "00010001");
  expect(readQueryName(query)).toBe("video.example.org");
  for (let bytes = 0; bytes < query.length - 4; bytes++) expect(readQueryName(query.slice(0, bytes))).toBeUndefined();
  expect(readQueryName(Uint8Array.fromHex("000101000001000000000000c00c00010001"))).toBeUndefined();
});
