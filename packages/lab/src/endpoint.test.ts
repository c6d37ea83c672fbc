import { describe, expect, test } from "bun:test";
import { decodePacket, fragmentsOf, printPacket, splitRecords, tcpOptionsOf, verifyChecksums } from "@bunnel/wire";
import { Endpoint } from "./endpoint.ts";
import { HTTP_ANSWER, TLS_ANSWER } from "./endpoint-flow.ts";
import type { EndpointFlow } from "./endpoint-flow.ts";
import { SeededRandom } from "./link/random.ts";
import { BLOCKED, CLIENT_SEQ, fromClient, HTTP, stamp, syn, TLS } from "./sample-traffic.ts";
import type { Change } from "./sample-traffic.ts";
import { RETRANSMIT_FIRST_MS } from "./tcp/retransmission.ts";
import { sequenceAfter } from "./tcp/sequence.ts";

const NONE = new Uint8Array(0);

function newEndpoint(): Endpoint {
  return new Endpoint({ addresses: ["203.0.113.9", "2001:db8:2::9"] });
}

/** An endpoint after the handshake; `ack` is the number that its peer has to acknowledge. */
function connected(change: Change = {}): { endpoint: Endpoint; ack: number } {
  const endpoint = newEndpoint();
  const [answer] = endpoint.receive(syn(change), 0);
  const ack = sequenceAfter(decodePacket(answer ?? NONE).seq, 1);
  endpoint.receive(fromClient(0, NONE, { ...change, ack }), 0);
  return { endpoint, ack };
}

function flowOf(endpoint: Endpoint): EndpointFlow {
  const flow = endpoint.flows.at(-1);
  if (flow === undefined) throw new Error("endpoint must have a connection, found none");
  return flow;
}

describe.each([4, 6] as const)("Endpoint in IPv%d", (family) => {
  test("answers SYN with SYN,ACK and delivers what comes in order", () => {
    const endpoint = newEndpoint();
    const [answer, ...more] = endpoint.receive(syn({ family }), 0);
    expect(more).toEqual([]);
    expect(decodePacket(answer ?? NONE)).toMatchObject({ tcpFlags: 0x12, ack: CLIENT_SEQ + 1, hopLimit: 64 });
    expect(verifyChecksums(answer ?? NONE).transport).toBe(true);
    const ack = sequenceAfter(decodePacket(answer ?? NONE).seq, 1);
    expect(endpoint.receive(fromClient(0, NONE, { family, ack }), 0)).toEqual([]);
    expect(flowOf(endpoint).state).toBe("established");
    const replies = endpoint.receive(fromClient(0, TLS.bad.subarray(0, 100), { family, ack }), 0);
    expect(replies.map((reply) => decodePacket(reply).ack)).toEqual([CLIENT_SEQ + 101]);
    expect(flowOf(endpoint).stream).toEqual(TLS.bad.subarray(0, 100));
    expect(endpoint.served).toBe(false);
  });

  test("its program reads the stream without the urgent octet", () => {
    const { endpoint, ack } = connected({ family });
    const first = Uint8Array.of(...TLS.bad.subarray(0, 40), 99);
    endpoint.receive(fromClient(0, first, { family, ack, flags: "PAU", urgent: first.length }), 0);
    endpoint.receive(fromClient(first.length, TLS.bad.subarray(40), { family, ack }), 0);
    expect(flowOf(endpoint)).toMatchObject({ served: true, host: BLOCKED, stream: TLS.bad });
  });

  test("serves a request behind an empty line", () => {
    const { endpoint, ack } = connected({ family, destinationPort: 80 });
    const request = Uint8Array.of(13, 10, ...HTTP.bad);
    endpoint.receive(fromClient(0, request, { family, ack, destinationPort: 80 }), 0);
    expect(flowOf(endpoint)).toMatchObject({ served: true, host: BLOCKED, stream: request });
  });

  test.each([TLS, HTTP])("serves a complete message once: $name", ({ name, bad, middle, port }) => {
    const { endpoint, ack } = connected({ family, destinationPort: port });
    const change = { family, ack, destinationPort: port };
    endpoint.receive(fromClient(middle, bad.subarray(middle), change), 0);
    expect(endpoint.served).toBe(false);
    const replies = endpoint.receive(fromClient(0, bad.subarray(0, middle), change), 0);
    expect(replies.map((reply) => decodePacket(reply).payload)).toEqual([name === "tls" ? TLS_ANSWER : HTTP_ANSWER]);
    expect(flowOf(endpoint)).toMatchObject({ served: true, host: BLOCKED, stream: bad });
    const again = endpoint.receive(fromClient(0, bad, change), 0);
    expect(again.map((reply) => decodePacket(reply).payloadBytes)).toEqual([0]);
  });

  test("puts IP fragments together", () => {
    const { endpoint, ack } = connected({ family });
    const packet = fromClient(0, TLS.bad, { family, ack, dontFragment: false });
    for (const fragment of fragmentsOf(packet, [64, 64]).toReversed()) endpoint.receive(fragment, 0);
    expect(endpoint.served).toBe(true);
  });

  test.each<[string, Change]>([
    ["hop limit 0", { hopLimit: 0 }],
    ["a wrong checksum", { checksum: 0x1234 }],
    ["a foreign address", { destination: family === 4 ? "203.0.113.10" : "2001:db8:2::10" }],
  ])("takes no packet with %s", (_, change) => {
    const { endpoint, ack } = connected({ family });
    expect(endpoint.receive(fromClient(0, TLS.bad, { family, ack, ...change }), 0)).toEqual([]);
    expect(flowOf(endpoint).stream).toEqual(NONE);
  });
});

describe("Endpoint", () => {
  test("takes no packet with a wrong IPv4 header checksum", () => {
    const { endpoint, ack } = connected();
    const packet = fromClient(0, TLS.bad, { ack });
    packet[10] = (packet[10] ?? 0) ^ 1;
    expect(endpoint.receive(packet, 0)).toEqual([]);
    expect(flowOf(endpoint).stream).toEqual(NONE);
  });

  test("refuses a closed port and segments of no connection", () => {
    const endpoint = newEndpoint();
    const [refused] = endpoint.receive(syn({ destinationPort: 22 }), 0);
    expect(decodePacket(refused ?? NONE)).toMatchObject({ tcpFlags: 0x14, seq: 0, ack: CLIENT_SEQ + 1 });
    const [stray] = endpoint.receive(fromClient(0, TLS.bad, { ack: 77 }), 0);
    expect(decodePacket(stray ?? NONE)).toMatchObject({ tcpFlags: 0x04, seq: 77 });
    expect(endpoint.receive(fromClient(0, NONE, { flags: "R" }), 0)).toEqual([]);
    expect(endpoint.flows).toEqual([]);
  });

  test("answers a wrong acknowledgement of its SYN with RST and stays ready", () => {
    const endpoint = newEndpoint();
    const ack = sequenceAfter(decodePacket(endpoint.receive(syn(), 0)[0] ?? NONE).seq, 1);
    const wrong = sequenceAfter(ack, -1);
    const [reset] = endpoint.receive(fromClient(0, TLS.good, { ack: wrong }), 0);
    expect(decodePacket(reset ?? NONE)).toMatchObject({ tcpFlags: 0x04, seq: wrong });
    endpoint.receive(fromClient(0, TLS.bad, { ack }), 0);
    expect(flowOf(endpoint).stream).toEqual(TLS.bad);
  });

  test("takes no segment that acknowledges less than its SYN or more than it sent", () => {
    const { endpoint, ack } = connected();
    for (const wrong of [-66_000, -1, 1]) {
      const [answer] = endpoint.receive(fromClient(0, TLS.good, { ack: sequenceAfter(ack, wrong) }), 0);
      expect(decodePacket(answer ?? NONE)).toMatchObject({ tcpFlags: 0x10, seq: ack, ack: CLIENT_SEQ + 1 });
    }
    expect(flowOf(endpoint).stream).toEqual(NONE);
  });

  test("leaves the payload of a SYN alone", () => {
    const endpoint = newEndpoint();
    const [answer] = endpoint.receive(syn({ payload: TLS.good }), 0);
    expect(decodePacket(answer ?? NONE).ack).toBe(CLIENT_SEQ + 1);
    const ack = sequenceAfter(decodePacket(answer ?? NONE).seq, 1);
    endpoint.receive(fromClient(0, TLS.bad, { ack }), 0);
    expect(flowOf(endpoint).stream).toEqual(TLS.bad);
  });

  test("agrees on timestamps when they are offered, and then discards old ones", () => {
    const endpoint = newEndpoint();
    const [answer] = endpoint.receive(syn({ options: stamp(1000) }), 5);
    expect(tcpOptionsOf(answer ?? NONE)).toContainEqual({ kind: "timestamps", value: 5, echo: 1000 });
    const ack = sequenceAfter(decodePacket(answer ?? NONE).seq, 1);
    endpoint.receive(fromClient(0, TLS.good, { ack, options: stamp(500) }), 5);
    expect(flowOf(endpoint).stream).toEqual(NONE);
    endpoint.receive(fromClient(0, TLS.bad, { ack, options: stamp(1001, 5) }), 5);
    expect(flowOf(endpoint).stream).toEqual(TLS.bad);
  });

  test("closes at a RST that hits the expected octet, and opens again", () => {
    const { endpoint, ack } = connected();
    const [challenge] = endpoint.receive(fromClient(1, NONE, { flags: "R", ack }), 0);
    expect(decodePacket(challenge ?? NONE)).toMatchObject({ tcpFlags: 0x10, ack: CLIENT_SEQ + 1 });
    expect(flowOf(endpoint).state).toBe("established");
    expect(endpoint.receive(fromClient(0, NONE, { flags: "R", ack }), 0)).toEqual([]);
    expect(flowOf(endpoint).state).toBe("closed");
    endpoint.receive(syn(), 0);
    expect(flowOf(endpoint).state).toBe("syn-received");
  });

  test("sends SYN,ACK and answer again until they are acknowledged", () => {
    const endpoint = newEndpoint();
    const [answer] = endpoint.receive(syn(), 0);
    expect(endpoint.tick(RETRANSMIT_FIRST_MS - 1)).toEqual([]);
    expect(endpoint.tick(RETRANSMIT_FIRST_MS)).toEqual([answer ?? NONE]);
    const ack = sequenceAfter(decodePacket(answer ?? NONE).seq, 1);
    const [served] = endpoint.receive(fromClient(0, TLS.bad, { ack }), 2000);
    expect(endpoint.tick(endpoint.dueMs ?? 0)).toEqual([served ?? NONE]);
    endpoint.receive(fromClient(TLS.bad.length, NONE, { ack: ack + TLS_ANSWER.length }), 9000);
    expect(endpoint.dueMs).toBeUndefined();
  });

  test("gives up on a client that never acknowledges", () => {
    const endpoint = newEndpoint();
    endpoint.receive(syn(), 0);
    for (let due = endpoint.dueMs; due !== undefined; due = endpoint.dueMs) endpoint.tick(due);
    expect(flowOf(endpoint).state).toBe("closed");
  });

  test("serves a hello that is spread over records", () => {
    const { endpoint, ack } = connected();
    const spread = splitRecords(TLS.bad, [TLS.middle]);
    endpoint.receive(fromClient(0, spread, { ack }), 0);
    expect(flowOf(endpoint)).toMatchObject({ served: true, host: BLOCKED, stream: spread });
  });

  test("reads the message whatever the cuts, the order and the repetitions", () => {
    for (let seed = 1; seed <= 200; seed += 1) {
      const random = new SeededRandom(seed);
      const { endpoint, ack } = connected();
      const cuts = Array.from({ length: 1 + (random.next() % 8) }, () => random.next() % TLS.bad.length);
      const bounds = [...new Set([0, ...cuts, TLS.bad.length])].toSorted((one, other) => one - other);
      const pieces = bounds.slice(1).map((end, index) => {
        const from = bounds[index] ?? 0;
        return fromClient(from, TLS.bad.subarray(from, end), { ack });
      });
      const shuffled = [...pieces, ...pieces]
        .map((packet) => ({ packet, rank: random.next() }))
        .toSorted((one, other) => one.rank - other.rank);
      for (const { packet } of shuffled) endpoint.receive(packet, 0);
      expect(flowOf(endpoint)).toMatchObject({ served: true, stream: TLS.bad });
    }
  });

  test("bears any octets", () => {
    const random = new SeededRandom(9);
    const { endpoint, ack } = connected();
    for (let turn = 0; turn < 3000; turn += 1) {
      const packet = fromClient(0, TLS.bad.subarray(0, random.next() % 60), { ack, family: turn % 2 === 0 ? 4 : 6 });
      for (let flips = 1 + (random.next() % 4); flips > 0; flips -= 1) {
        packet[random.next() % packet.length] = random.next() & 0xff;
      }
      const replies = endpoint.receive(packet.subarray(0, random.next() % (packet.length + 1)), turn);
      for (const reply of replies) expect(printPacket(reply)).toContain("TCP");
    }
  });
});
