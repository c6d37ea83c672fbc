// Nothing behind a packet is read: packets cut short at every octet lie flush with the end of the memory, where one
// octet too far traps, and their virtio headers say what they like.
import { beforeAll, describe, expect, test } from "bun:test";
import { Reason, VNET_HEADER_BYTES } from "@bunnel/abi";
import type { Engine, EngineBuild, Lane, LaneOptions } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import {
  decodePacket,
  GSO_NONE,
  GSO_TCPV4,
  GSO_TCPV6,
  GSO_UDP_L4,
  ipPacket,
  PROTOCOL_ICMP,
  PROTOCOL_ICMPV6,
  PROTOCOL_TCP,
  PROTOCOL_UDP,
  virtioNetHeader,
} from "@bunnel/wire";
import { BUILDS, engineOf } from "./rig.ts";
import { translating } from "./translation-rig.ts";

const V4 = { source: "192.0.2.7", destination: "203.0.113.9" };
const V6 = { source: "2001:db8::7", destination: "2001:db8:1::9" };
/** What a transport header begins with: ports of a rule, and the data offset of a TCP header with all options. */
const L4 = Uint8Array.from({ length: 64 }, (_, i) => [0x9c, 0x40, 1, 0xbb][i] ?? (i === 12 ? 0xf0 : 0));
const GSO_TYPES = [GSO_NONE, GSO_TCPV4, GSO_TCPV6, GSO_UDP_L4];
const FRAGMENTS = [
  { fragmentOffset: 0, moreFragments: true },
  { fragmentOffset: 3, moreFragments: true },
  { fragmentOffset: 3, moreFragments: false },
];
const LANES: readonly [string, LaneOptions][] = [
  ["without offload", {}],
  ["with offload in", { rxVnet: true }],
  ["with offload out", { txVnet: true }],
  ["with offload in and out", { rxVnet: true, txVnet: true }],
];
const RULES = `
[[rule]]
name = "all"
egress = "stream"
carries = ["udp", "icmp"]
strategy = "pass"

[[rule]]
name = "web"
strategy = "tls: split(1)  http: split(1)"
`;

const FRAGMENTED = [V4, V6].flatMap((ends) =>
  [PROTOCOL_TCP, PROTOCOL_UDP, ends === V4 ? PROTOCOL_ICMP : PROTOCOL_ICMPV6].flatMap((protocol) =>
    FRAGMENTS.flatMap((fragment) =>
      Array.from(L4, (_, octets) => ipPacket({ ...ends, ...fragment, protocol, payload: echoOr(protocol, octets) })),
    ),
  ),
);

/** So many octets behind the IP header. */
function echoOr(protocol: number, octets: number): Uint8Array {
  const payload = L4.slice(0, octets);
  // Of ICMP an echo request, which a rule has carried on.
  if (protocol === PROTOCOL_ICMP) payload.set([8, 0].slice(0, octets));
  if (protocol === PROTOCOL_ICMPV6) payload.set([128, 0].slice(0, octets));
  return payload;
}

describe.each(BUILDS)("at the memory's end, %s build", (build: EngineBuild) => {
  let engine: Engine;
  beforeAll(async () => {
    engine = await engineOf(build);
  });

  function laneOf(options: LaneOptions): Lane {
    engine.reset();
    engine.loadRules(encodeRules(parseProfile(RULES), { streamRules: "leave" }));
    return engine.lane(0, options);
  }

  /** What becomes of the packet, and what leaves. */
  function outcome(lane: Lane, packet: Uint8Array, gsoType = GSO_NONE): { reason: number; sent: Uint8Array[] } {
    const at = engine.memory.byteLength - packet.length;
    const header = virtioNetHeader({ gsoType, gsoBytes: 10 });
    const memory = new Uint8Array(engine.memory);
    memory.set(packet, at);
    memory.set(header, at - VNET_HEADER_BYTES);
    lane.rx.at[0] = at;
    lane.rx.lengths[0] = packet.length;
    expect(lane.poll(0, 1, 0)).toBe(1);
    return { reason: lane.meta(0).reason, sent: lane.sent() };
  }

  test.each(LANES)("a fragment is no super-packet, whatever its virtio header says: a lane %s", (_, options) => {
    const lane = laneOf(options);
    for (const packet of FRAGMENTED) {
      for (const gsoType of GSO_TYPES) {
        const { reason, sent } = outcome(lane, packet, gsoType);
        // Where the way out takes super-packets, whoever cuts them is to say what is none.
        const isDropped = options.rxVnet === true && options.txVnet !== true && gsoType !== GSO_NONE;
        expect({ reason, sent }).toEqual({
          reason: isDropped ? Reason.DropBadOffload : Reason.PassFragment,
          sent: isDropped ? [] : [packet],
        });
      }
    }
  });

  test("a first fragment is carried by a rule only with its whole header", () => {
    for (const packet of FRAGMENTED) {
      const { protocol, fragmentOffset, payloadOffset, l4Offset } = decodePacket(packet);
      if (fragmentOffset > 0) continue;
      const isCarried = protocol !== PROTOCOL_TCP && payloadOffset > l4Offset;
      const { reason } = outcome(laneOf({ carry: true }), packet);
      expect({ packet, reason }).toEqual({ packet, reason: isCarried ? Reason.ReplaceCarried : Reason.PassFragment });
    }
  });

  test("nobody looks into the other family's ICMP, where flows are translated either", () => {
    const { lane } = translating(engine);
    for (const [ends, protocol, type] of [
      [V4, PROTOCOL_ICMPV6, 1],
      [V6, PROTOCOL_ICMP, 3],
    ] as const) {
      for (const octets of L4.keys()) {
        const payload = L4.slice(0, octets);
        payload.fill(type, 0, 1);
        const packet = ipPacket({ ...ends, protocol, payload });
        expect(outcome(lane, packet)).toEqual({ reason: Reason.PassOrdinary, sent: [packet] });
      }
    }
  });
});
