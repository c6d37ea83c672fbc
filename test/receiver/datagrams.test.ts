// needs root: a network namespace with a TUN device.
// Techniques of datagrams on the UDP of the Linux kernel: what a socket gets is what the client sent, once, whole; or
// what the technique says that it makes of it.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Engine } from "@bunnel/engine";
import { quicInitial, quicInitials, readQuicServerName, udpPacket } from "@bunnel/wire";
import { engineOf, tableOf } from "../engine/rig.ts";
import { type Arrival, DATAGRAM_CASES } from "./datagram-cases.ts";
import { LinuxDatagrams } from "./linux-datagrams.ts";
import { ADDRESSES } from "./linux-receiver.ts";

const HOST = "video.example.org";
const QUIC_PORT = 443;
const DNS_PORT = 53;
/** A query for the address of that name (RFC 1035 section 4.1). */
const QUERY = Uint8Array.from([
  ...[0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0],
  ...HOST.split(".").flatMap((label) => [label.length, ...Buffer.from(label)]),
  ...[0, 0, 1, 0, 1],
]);
const LAST = Uint8Array.from(Buffer.from("this shows that the path was open"));

let engine: Engine;
let receiver: LinuxDatagrams;
let nextPort = 20_000;
beforeAll(async () => {
  engine = await engineOf("release");
  receiver = await LinuxDatagrams.open([QUIC_PORT, DNS_PORT]);
});
afterAll(() => receiver[Symbol.dispose]());

/** A client's socket behind the engine. */
class Client {
  readonly port = nextPort++;
  readonly #seen: Uint8Array[] = [];
  readonly #lane = engine.lane(0, { mtuBytes: 1500 });

  constructor(
    private readonly family: 4 | 6,
    private readonly destinationPort: number,
  ) {
    engine.reset();
  }

  send(payload: Uint8Array): void {
    const [source, destination] = ADDRESSES[this.family];
    const { destinationPort } = this;
    this.#lane.place(0, udpPacket({ source, destination, sourcePort: this.port, destinationPort, payload }));
    this.#lane.work(1, 0, () => receiver.deliver(this.#lane.sent()), { look: (octets) => this.#nameIn(octets) });
  }

  /** The name, from all the datagrams so far, once: a hello may lie in several. */
  #nameIn(payload: Uint8Array): { readonly name: string } | "incomplete" | "none" {
    if (readQuicServerName(this.#seen) !== undefined) return "none";
    this.#seen.push(payload.slice());
    const name = readQuicServerName(this.#seen);
    return name === undefined ? "incomplete" : { name };
  }
}

function expectArrived(found: readonly Uint8Array[], expected: readonly Arrival[]): void {
  expect(found).toHaveLength(expected.length);
  for (const [i, arrival] of expected.entries()) {
    const octets = found[i] ?? new Uint8Array();
    if (arrival === "decoy") expect(expected).not.toContainEqual(octets);
    else if (arrival instanceof Uint8Array) expect(octets).toEqual(arrival);
    else {
      const kept = Math.min(arrival.bytes, arrival.like.length);
      expect(octets).toHaveLength(arrival.bytes);
      expect(octets.subarray(0, kept)).toEqual(arrival.like.subarray(0, kept));
    }
  }
}

describe.each([4, 6] as const)("Linux, UDP over IPv%d", (family) => {
  test.each(DATAGRAM_CASES)("%s: %s", async (_, rule, arrives) => {
    engine.loadRules(tableOf(rule));
    const isDns = rule.startsWith("dns");
    const client = new Client(family, isDns ? DNS_PORT : QUIC_PORT);
    const payload = isDns ? QUERY : quicInitial({ serverName: HOST });
    client.send(payload);
    client.send(LAST);
    const expected = [...arrives(payload), LAST];
    expectArrived(await receiver.read(client.port, expected.length), expected);
  });

  test.each(["quic: fake(quic, ttl=3, x6)", "quic: fake(quic, badsum) ipfrag(8)", "quic: ttl(40) ipfrag(1000)"])(
    "a hello in three datagrams is kept until its name is known, and arrives whole and in order: %s",
    async (rule) => {
      engine.loadRules(tableOf(rule));
      const client = new Client(family, QUIC_PORT);
      const [first = LAST, ...others] = quicInitials({ serverName: HOST, datagrams: 3 });
      for (const payload of [first, ...others]) client.send(payload);
      expectArrived(await receiver.read(client.port, 1 + others.length), [first, ...others]);
    },
  );
});
