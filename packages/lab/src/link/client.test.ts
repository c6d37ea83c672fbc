import { describe, expect, test } from "bun:test";
import { decodePacket, tcpOptionsOf, tcpPacket, verifyChecksums } from "@bunnel/wire";
import type { TcpFields } from "@bunnel/wire";
import { TLS } from "../sample-traffic.ts";
import { RETRANSMIT_FIRST_MS, RETRANSMIT_MAX } from "../tcp/retransmission.ts";
import { Client } from "./client.ts";
import type { ClientOptions } from "./client.ts";

const ADDRESSES = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const NONE = new Uint8Array(0);

function newClient(options: Partial<ClientOptions> = {}): Client {
  return new Client({ ...ADDRESSES, message: TLS.bad, ...options });
}

function fromServer(fields: Partial<TcpFields>): Uint8Array {
  return tcpPacket({
    source: ADDRESSES.destination,
    destination: ADDRESSES.source,
    sourcePort: 443,
    destinationPort: 40000,
    seq: 7001,
    ack: 1001,
    ...fields,
  });
}

const SYN_ACK = fromServer({ flags: "SA", seq: 7000, ack: 1001 });

function connected(options: Partial<ClientOptions> = {}): Client {
  const client = newClient(options);
  client.start(0);
  client.receive(SYN_ACK, 10);
  return client;
}

describe("Client", () => {
  test("connects, acknowledges, sends its message, and takes the answer", () => {
    const client = newClient();
    const [syn] = client.start(0);
    expect(decodePacket(syn ?? NONE)).toMatchObject({ tcpFlags: 0x02, seq: 1000, payloadBytes: 0 });
    const [ack, message, ...more] = client.receive(SYN_ACK, 10);
    expect(more).toEqual([]);
    expect(decodePacket(ack ?? NONE)).toMatchObject({ tcpFlags: 0x10, seq: 1001, ack: 7001 });
    expect(decodePacket(message ?? NONE)).toMatchObject({ tcpFlags: 0x18, seq: 1001, ack: 7001, payload: TLS.bad });
    const answer = Uint8Array.of(1, 2, 3);
    const [last] = client.receive(fromServer({ payload: answer, ack: 1001 + TLS.bad.length }), 20);
    expect(client.state).toBe("answered");
    expect(client.received).toEqual(answer);
    expect(client.dueMs).toBeUndefined();
    expect(decodePacket(last ?? NONE)).toMatchObject({ seq: 1001 + TLS.bad.length, ack: 7004 });
  });

  test("sends pieces as segments of their own, with an urgent octet, a hop limit and a decoy the first time", () => {
    const pieces = [
      { octets: TLS.bad.subarray(0, 20), hops: 1, decoy: new Uint8Array(20) },
      { octets: TLS.bad.subarray(20, 30), urgent: true },
      { octets: TLS.bad.subarray(30) },
    ];
    const client = newClient({ pieces });
    client.start(0);
    const [, ...first] = client.receive(SYN_ACK, 10);
    const seen = first.map((packet) => {
      const { seq, tcpFlags, hopLimit, payload } = decodePacket(packet);
      return { seq, tcpFlags, hopLimit, payload, urgent: ((packet[38] ?? 0) << 8) | (packet[39] ?? 0) };
    });
    expect(seen).toEqual([
      { seq: 1001, tcpFlags: 0x18, hopLimit: 1, payload: new Uint8Array(20), urgent: 0 },
      { seq: 1021, tcpFlags: 0x38, hopLimit: 64, payload: TLS.bad.subarray(20, 30), urgent: 10 },
      { seq: 1031, tcpFlags: 0x18, hopLimit: 64, payload: TLS.bad.subarray(30), urgent: 0 },
    ]);
    for (const packet of first) expect(verifyChecksums(packet)).toEqual({ ip: true, transport: true });
    const again = client.tick(10 + RETRANSMIT_FIRST_MS).map((packet) => decodePacket(packet));
    expect(again.map(({ hopLimit }) => hopLimit)).toEqual([64, 64, 64]);
    expect(Buffer.concat(again.map(({ payload }) => payload))).toEqual(Buffer.from(TLS.bad));
  });

  test("cuts a message into segments", () => {
    const client = newClient({ segmentBytes: 100 });
    client.start(0);
    const [, ...segments] = client.receive(SYN_ACK, 10);
    const payloads = segments.map((segment) => decodePacket(segment).payload);
    expect(payloads.map((payload) => payload.length).slice(0, -1)).toEqual(payloads.slice(1).map(() => 100));
    expect(Buffer.concat(payloads)).toEqual(Buffer.from(TLS.bad));
    expect(segments.map((segment) => decodePacket(segment).tcpFlags).slice(0, -1)).toEqual(
      payloads.slice(1).map(() => 0x10),
    );
  });

  test("offers timestamps, and uses them when the server agrees", () => {
    const [syn] = newClient().start(0);
    expect(tcpOptionsOf(syn ?? NONE)).toContainEqual({ kind: "timestamps", value: 1_000_000, echo: 0 });
    const [plain] = newClient({ timestamps: false }).start(0);
    expect(tcpOptionsOf(plain ?? NONE).map(({ kind }) => kind)).toEqual(["mss"]);
    const client = newClient();
    client.start(0);
    const [ack] = client.receive(SYN_ACK, 10);
    expect(tcpOptionsOf(ack ?? NONE)).toEqual([]);
  });

  test("sends again what was not acknowledged, and gives up in the end", () => {
    const client = connected();
    client.receive(fromServer({ ack: 1001 + 100 }), 20);
    const repeated: Uint8Array[][] = [];
    for (let due = client.dueMs; due !== undefined; due = client.dueMs) repeated.push(client.tick(due));
    expect(repeated.map((packets) => packets.length)).toEqual([...Array(RETRANSMIT_MAX).fill(1), 0]);
    for (const [packet] of repeated.slice(0, -1)) {
      expect(decodePacket(packet ?? NONE)).toMatchObject({ seq: 1101, payload: TLS.bad.subarray(100) });
    }
    expect(client.state).toBe("gave-up");
  });

  test("sends its SYN again", () => {
    const client = newClient();
    client.start(0);
    expect(client.tick(RETRANSMIT_FIRST_MS - 1)).toEqual([]);
    expect(client.tick(RETRANSMIT_FIRST_MS).map((packet) => decodePacket(packet).seq)).toEqual([1000]);
  });

  test("ends at a RST that fits, before and after the handshake", () => {
    const refused = newClient();
    refused.start(0);
    refused.receive(fromServer({ flags: "RA", seq: 0, ack: 999 }), 5);
    expect(refused.state).toBe("connecting");
    refused.receive(fromServer({ flags: "RA", seq: 0 }), 5);
    expect(refused.state).toBe("reset");
    const client = connected();
    const challenge = client.receive(fromServer({ flags: "R", seq: 7002 }), 20);
    expect(challenge.map((packet) => decodePacket(packet).ack)).toEqual([7001]);
    expect(client.state).toBe("sending");
    expect(client.receive(fromServer({ flags: "R", seq: 7001 }), 20)).toEqual([]);
    expect(client.state).toBe("reset");
    expect(client.dueMs).toBeUndefined();
  });

  test("takes no packet that is not its own or that was damaged", () => {
    const client = connected();
    const payload = Uint8Array.of(1);
    for (const fields of [{ sourcePort: 444 }, { destinationPort: 1 }, { source: "203.0.113.10" }, { checksum: 1 }]) {
      expect(client.receive(fromServer({ payload, ...fields }), 20)).toEqual([]);
    }
    expect(client.receive(NONE, 20)).toEqual([]);
    expect(client.state).toBe("sending");
  });
});
