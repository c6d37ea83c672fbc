// What each target begins with.
import { VNET_HEADER_BYTES } from "@bunnel/abi";
import { encodeRules, parseProfile } from "@bunnel/profile";
import {
  clientHello,
  httpRequest,
  POST_QUANTUM_SHARE_BYTES,
  quicInitials,
  splitRecords,
  superDatagram,
  superPacket,
  tcpPacket,
  udpPacket,
} from "@bunnel/wire";
import type { FuzzInput } from "./input.ts";
import { packetOf, QUERY, seedInputs } from "./seeds.ts";
import type { TargetName } from "./targets.ts";

const V4 = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const V6 = { source: "2001:db8::7", destination: "2001:db8:1::9", sourcePort: 40000, destinationPort: 443 };
const HOST = "video.example.org";
const NOTHING = new Uint8Array();
/** Hosts by suffix and alone, addresses of both families, ports, packets, a rule that leaves alone. */
const RULES = `[[rule]]
name = "alone"
hosts = ["=www.example.org", "sub.example.org"]
strategy = "tls: pass"
[[rule]]
name = "places"
addresses = ["203.0.113.0/24", "198.51.100.7", "2001:db8:1::/48", "2001:db8:2::9"]
strategy = "tls: split(1)"
[[rule]]
name = "hosts"
hosts = ["example.org", "a.example", "xn--bcher-kva.example"]
ports = ["443", "8000-9000"]
strategy = "tls: split(midsld) disorder"
[[rule]]
name = "rest"
families = ["ipv4"]
ports = ["1-1023"]
strategy = "tls: pass"
`;

/** The same inputs each time. */
export function seedsOf(target: TargetName): FuzzInput[] {
  switch (target) {
    case "parse":
    case "poll":
      return seedInputs(target);
    case "names":
      return nameSeeds();
    case "rules":
      return ruleSeeds();
    case "translate":
      return translateSeeds();
    case "offload":
      return offloadSeeds();
  }
}

function inputOf(option: number, packets: readonly Uint8Array[], table: Uint8Array = NOTHING): FuzzInput {
  return { options: Uint8Array.of(option), table, packets: packets.map((octets) => packetOf(octets)) };
}

/** The first option chooses the protocol. */
function nameSeeds(): FuzzInput[] {
  const hello = clientHello({ serverName: HOST, padToBytes: 517 });
  const large = clientHello({ serverName: HOST, keyShareBytes: POST_QUANTUM_SHARE_BYTES, extensionOrder: "last" });
  const request = httpRequest({ host: HOST, headers: [["User-Agent", "example/1.0"]] });
  const streams = [hello, large, splitRecords(hello, [7, 200]), splitRecords(hello, [130]), request];
  return [
    ...streams.flatMap((octets) => [inputOf(0, [octets]), inputOf(3, [octets])]),
    ...quicInitials({ serverName: HOST, datagrams: 2 }).map((octets) => inputOf(1, [octets])),
    inputOf(2, [QUERY]),
  ];
}

/** A packet is sixteen octets of an address, and a name. */
function ruleSeeds(): FuzzInput[] {
  const table = encodeRules(parseProfile(RULES));
  const named = (address: string, name: string): Uint8Array =>
    Uint8Array.from([...Uint8Array.fromHex(address.padEnd(32, "0")), ...Buffer.from(name)]);
  return [
    inputOf(0, [named("cb007109", HOST), named("c0000207", "www.example.org"), named("c6336407", "")], table),
    inputOf(1, [named("20010db800010000", "A.Example."), named("20010db8ffff", "sub.example.org")], table),
    inputOf(1, [named("20010db8ffff", "www.a.example"), named("20010db8ffff", "xn--bcher-kva.example")], table),
  ];
}

/** Connections of both families that begin, are answered, refused and ended; the last option holds their SYNs. */
function translateSeeds(): FuzzInput[] {
  const listener = { 4: "10.0.85.1", 6: "fd62:756e:6e65:6c::1" } as const;
  const peer = { 4: "10.0.85.2", 6: "fd62:756e:6e65:6c::2" } as const;
  return ([4, 6] as const).flatMap((family) => {
    const out = family === 4 ? V4 : V6;
    const ends = { source: listener[family], destination: peer[family], sourcePort: 4040, destinationPort: 1024 };
    const payload = new Uint8Array(40).fill(7);
    const packets = [
      ...["S", "S", "A", "PA", "FA", "R"].map((flags) => tcpPacket({ ...out, flags })),
      ...["SA", "PA", "FA", "RA"].map((flags) =>
        tcpPacket({ ...ends, flags, payload: flags === "PA" ? payload : NOTHING }),
      ),
      udpPacket({ ...out, payload }),
      udpPacket({ ...ends, sourcePort: 4041, payload }),
    ].map((octets) => packetOf(octets));
    const whole = superPacket({ ...out, flags: "PA", payload: new Uint8Array(500) }, 100);
    const datagram = superDatagram({ ...out, payload: new Uint8Array(500) }, 120);
    const framed = [whole, datagram].map(({ header, packet }) => packetOf(packet, header));
    return [0, 1, 3, 5, 7].map((choice) => {
      const flags = choice === 3 ? 1 : 0;
      return { options: Uint8Array.of(flags, 0, 0, choice), table: NOTHING, packets: [...packets, ...framed] };
    });
  });
}

function offloadSeeds(): FuzzInput[] {
  const payload = new Uint8Array(60).fill(7);
  const segment = (i: number, over: typeof V4, flags: string): Uint8Array =>
    tcpPacket({ ...over, seq: 1000 + 60 * i, ack: 1, id: i, flags, payload });
  const datagram = (i: number, over: typeof V4): Uint8Array => udpPacket({ ...over, id: i, payload });
  const indices = [0, 1, 2, 3];
  const whole = [
    superPacket({ ...V4, flags: "PA", payload: new Uint8Array(500) }, 100),
    superDatagram({ ...V6, payload: new Uint8Array(500) }, 120),
  ];
  const framed = whole.map(({ header, packet }) => packetOf(packet, header));
  return [
    inputOf(
      0,
      indices.map((i) => segment(i, V4, i === 3 ? "PA" : "A")),
    ),
    inputOf(
      0,
      indices.map((i) => segment(3 - i, V6, "A")),
    ),
    inputOf(
      0,
      indices.map((i) => datagram(i, i % 2 === 0 ? V4 : V6)),
    ),
    inputOf(
      4,
      indices.flatMap((i) => [segment(i, V4, "A"), datagram(i, V6)]),
    ),
    { options: NOTHING, table: NOTHING, packets: framed },
    {
      options: NOTHING,
      table: NOTHING,
      packets: [...framed, packetOf(segment(0, V6, "A"), new Uint8Array(VNET_HEADER_BYTES))],
    },
  ];
}
