import { describe, expect, test } from "bun:test";
import { decodePacket, fragmentsOf, quicInitial, quicInitials, udpPacket } from "@bunnel/wire";
import {
  DNS_ADDRESS,
  DatagramEndpoint,
  QUIC_SECOND_ANSWER,
  QUIC_SECOND_FLIGHT,
  quicAnswer,
} from "./datagram-endpoint.ts";
import { dnsQuery } from "./dns-message.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const ID = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

function answers(endpoint: DatagramEndpoint, payload: Uint8Array, more = {}): string[] {
  const packet = udpPacket({ ...ENDS, payload, dontFragment: false, ...more });
  return endpoint.receive(packet, 0).map((answer) => decodePacket(answer).payload.toHex());
}

describe("DatagramEndpoint.receive()", () => {
  test("answers an Initial with a whole name, and what follows it", () => {
    const endpoint = new DatagramEndpoint([ENDS.destination]);
    expect(answers(endpoint, QUIC_SECOND_FLIGHT)).toEqual([]);
    const initial = quicInitial({ serverName: "a.example.org", destinationId: ID });
    expect(answers(endpoint, initial)).toEqual([quicAnswer(ID).toHex()]);
    expect(answers(endpoint, QUIC_SECOND_FLIGHT)).toEqual([QUIC_SECOND_ANSWER.toHex()]);
    expect(answers(endpoint, QUIC_SECOND_FLIGHT, { sourcePort: 40001 })).toEqual([]);
    expect(endpoint.hosts).toEqual(["a.example.org"]);
  });

  test("joins a hello over two datagrams of one connection, not of two", () => {
    const endpoint = new DatagramEndpoint([ENDS.destination]);
    const [first, second] = quicInitials({ serverName: "a.example.org", destinationId: ID, datagrams: 2 });
    if (first === undefined || second === undefined) throw new Error("two datagrams expected");
    expect(answers(endpoint, second)).toEqual([]);
    expect(answers(endpoint, quicInitial({ serverName: "decoy.example.org" }))).toHaveLength(1);
    expect(answers(endpoint, first)).toEqual([quicAnswer(ID).toHex()]);
    expect(endpoint.hosts).toEqual(["decoy.example.org", "a.example.org"]);
  });

  test("ignores what cannot be opened, is too small, spoilt, or for another address", () => {
    const endpoint = new DatagramEndpoint([ENDS.destination]);
    const initial = quicInitial({ serverName: "a.example.org", destinationId: ID });
    expect(answers(endpoint, new Uint8Array(1200))).toEqual([]);
    expect(answers(endpoint, initial.subarray(0, 1100))).toEqual([]);
    expect(answers(endpoint, initial, { checksum: 7 })).toEqual([]);
    expect(answers(endpoint, initial, { destination: "203.0.113.10" })).toEqual([]);
    expect(answers(endpoint, initial, { hopLimit: 0 })).toEqual([]);
    expect(endpoint.hosts).toEqual([]);
  });

  test("answers DNS questions, also in IP fragments", () => {
    const endpoint = new DatagramEndpoint([ENDS.destination]);
    const query = udpPacket({
      ...ENDS,
      destinationPort: 53,
      payload: dnsQuery("a.example.org", 9),
      dontFragment: false,
    });
    const [first = new Uint8Array(0), second = new Uint8Array(0)] = fragmentsOf(query, [16]);
    expect(endpoint.receive(second, 0)).toEqual([]);
    const [answer] = endpoint.receive(first, 0);
    const { payload, destinationPort } = decodePacket(answer ?? new Uint8Array(0));
    expect([...payload.slice(-4)].join(".")).toBe(DNS_ADDRESS);
    expect(destinationPort).toBe(40000);
  });
});
