// Datagrams and echo requests that rules have carried on by sockets: they are taken out, and nothing else is.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { CARRIED_FRAGMENT_MS, Reason } from "@bunnel/abi";
import { Engine, type Lane } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import {
  decodePacket,
  fragmentsOf,
  icmpEcho,
  parseAddress,
  superDatagram,
  tcpPacket,
  udpPacket,
  type UdpFields,
} from "@bunnel/wire";
import { anyPacket } from "@bunnel/wire/arbitrary";
import fc from "fast-check";
import { conserved } from "./translation-rig.ts";

const CARRYING = `
[[rule]]
name = "datagrams"
ports = ["443", "7000-7010"]
egress = "stream"
carries = ["udp", "icmp"]
strategy = "pass"
`;
const ENDS4 = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40_000, destinationPort: 7000 };
const ENDS6 = { ...ENDS4, source: "2001:db8::7", destination: "2001:db8:1::9" };
const BOTH = [
  [4, ENDS4],
  [6, ENDS6],
] as const;

setDefaultTimeout(60_000);

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.create({ warm: false });
});

function carrying(text = CARRYING): Lane {
  engine.reset();
  engine.loadRules(encodeRules(parseProfile(text), { streamRules: "leave" }));
  return engine.lane(0, { carry: true, mtuBytes: 1500 });
}

/** Why one packet went where it did; what is carried leaves nothing behind. */
function reasonOf(lane: Lane, packet: Uint8Array, nowMs = 0, header?: Uint8Array): number {
  lane.place(0, packet, header);
  expect(lane.poll(0, 1, nowMs)).toBe(1);
  const { reason } = lane.meta(0);
  if (reason === Reason.ReplaceCarried) expect(lane.sent()).toEqual([]);
  return reason;
}

const datagram = (fields: Partial<UdpFields> = {}) => udpPacket({ ...ENDS4, payload: Uint8Array.of(1), ...fields });

describe("datagrams that a rule has carried", () => {
  test.each(BOTH)("are taken out, IPv%i", (_, ends) => {
    const lane = carrying();
    for (const port of [443, 7000, 7010]) {
      expect(reasonOf(lane, datagram({ ...ends, destinationPort: port }))).toBe(Reason.ReplaceCarried);
    }
    expect(reasonOf(lane, datagram({ ...ends, destinationPort: 7011 }))).toBe(Reason.PassOrdinary);
    expect(reasonOf(lane, tcpPacket({ ...ends, flags: "S" }))).toBe(Reason.PassOrdinary);
    conserved(engine);
  });

  test.each(BOTH)("and echo requests, but no replies and no errors, IPv%i", (_, ends) => {
    const lane = carrying();
    expect(reasonOf(lane, icmpEcho(ends))).toBe(Reason.ReplaceCarried);
    expect(reasonOf(lane, icmpEcho({ ...ends, reply: true }))).toBe(Reason.PassOrdinary);
  });

  test("stay where they lie, counted for their rule once a flow", () => {
    const lane = carrying();
    for (let i = 0; i < 3; i++) reasonOf(lane, datagram());
    expect(engine.flows(0)).toMatchObject([{ packetsOut: 3, rule: 0 }]);
    expect(engine.ruleCounts(1)).toEqual([1]);
  });

  test("are left alone where the lane does not carry", () => {
    carrying();
    const lane = engine.lane(0, { mtuBytes: 1500 });
    expect(reasonOf(lane, datagram())).toBe(Reason.PassOrdinary);
  });

  test.each(["224.0.0.251", "255.255.255.255", "239.1.2.3"])("are not those to many: %s", (destination) => {
    expect(reasonOf(carrying(), datagram({ destination }))).toBe(Reason.PassOrdinary);
  });

  test.each(["ff02::fb", "fe80::9", "ff0e::1"])("nor those to many or to the link: %s", (destination) => {
    expect(reasonOf(carrying(), datagram({ ...ENDS6, destination }))).toBe(Reason.PassOrdinary);
  });

  test("in one super-datagram are taken out whole", () => {
    carrying();
    const lane = engine.lane(0, { carry: true, rxVnet: true, mtuBytes: 1500 });
    const { packet, header } = superDatagram({ ...ENDS4, payload: new Uint8Array(12_000) }, 1200);
    expect(reasonOf(lane, packet, 0, header)).toBe(Reason.ReplaceCarried);
  });
});

describe("a datagram in fragments", () => {
  test.each(BOTH)("is taken out by what its first one says, IPv%i", (_, ends) => {
    const lane = carrying();
    const big = (port: number) => datagram({ ...ends, destinationPort: port, payload: new Uint8Array(4000), id: port });
    const wanted = fragmentsOf(big(7000), [1400, 1400], 7);
    const other = fragmentsOf(big(9), [1400, 1400], 8);
    expect(wanted).toHaveLength(3);
    for (const [i, fragment] of wanted.entries()) {
      expect(reasonOf(lane, fragment)).toBe(Reason.ReplaceCarried);
      expect(reasonOf(lane, other[i] ?? fragment)).toBe(Reason.PassFragment);
    }
    conserved(engine);
  });

  test("is not known by a later fragment alone, nor for ever", () => {
    const [first = new Uint8Array(), last = new Uint8Array()] = fragmentsOf(
      datagram({ payload: new Uint8Array(2000) }),
      [1400],
    );
    const lane = carrying();
    expect(reasonOf(lane, last)).toBe(Reason.PassFragment);
    expect(reasonOf(lane, first)).toBe(Reason.ReplaceCarried);
    expect(reasonOf(lane, last, CARRIED_FRAGMENT_MS - 1)).toBe(Reason.ReplaceCarried);
    expect(reasonOf(lane, last, CARRIED_FRAGMENT_MS)).toBe(Reason.PassFragment);
  });
});

describe("the first rule that is sure decides:", () => {
  const rule = (name: string, keys: string, strategy = "pass") =>
    `[[rule]]\nname = "${name}"\nstrategy = "${strategy}"\n${keys}\n`;
  const all = rule("all", 'egress = "stream"\ncarries = ["udp", "icmp"]');

  test("a rule without ports is for any, and one that leaves everything alone is for the rest, too", () => {
    const lane = carrying(rule("alone", 'addresses = ["203.0.113.128/25"]') + all);
    expect(reasonOf(lane, datagram({ destinationPort: 9 }))).toBe(Reason.ReplaceCarried);
    expect(reasonOf(lane, datagram({ destination: "203.0.113.129" }))).toBe(Reason.PassOrdinary);
    expect(reasonOf(lane, icmpEcho({ ...ENDS4, destination: "203.0.113.129" }))).toBe(Reason.PassOrdinary);
  });

  test("what [exclude] lists is left alone", () => {
    const lane = carrying(`[exclude]\naddresses = ["203.0.113.128/25"]\nports = [7001]\n${all}`);
    expect(reasonOf(lane, datagram())).toBe(Reason.ReplaceCarried);
    expect(reasonOf(lane, datagram({ destination: "203.0.113.129" }))).toBe(Reason.PassOrdinary);
    expect(reasonOf(lane, datagram({ destinationPort: 7001 }))).toBe(Reason.PassOrdinary);
  });

  test("what a strategy for QUIC or DNS treats goes as packets", () => {
    const lane = carrying(rule("quic", 'families = ["ipv4"]', "quic: drop  dns: drop") + all);
    for (const port of [443, 53]) {
      expect(reasonOf(lane, datagram({ destinationPort: port }))).not.toBe(Reason.ReplaceCarried);
      expect(reasonOf(lane, datagram({ ...ENDS6, destinationPort: port }))).toBe(Reason.ReplaceCarried);
    }
    expect(reasonOf(lane, datagram({ destinationPort: 444 }))).toBe(Reason.ReplaceCarried);
  });

  test("hosts are those that DNS answers named", () => {
    const lane = carrying(rule("named", 'hosts = ["example.org"]\negress = "stream"\ncarries = ["udp", "icmp"]'));
    expect(reasonOf(lane, datagram())).toBe(Reason.PassOrdinary);
    engine.learnName(parseAddress(ENDS4.destination), "www.example.org", 60, 0);
    engine.learnName(parseAddress(ENDS6.destination), "www.example.net", 60, 0);
    expect(reasonOf(lane, datagram())).toBe(Reason.ReplaceCarried);
    expect(reasonOf(lane, icmpEcho(ENDS4))).toBe(Reason.ReplaceCarried);
    expect(reasonOf(lane, datagram(ENDS6))).toBe(Reason.PassOrdinary);
    expect(reasonOf(lane, datagram(), 61_000)).toBe(Reason.PassOrdinary);
  });
});

test("any packet is accounted for once, and what is carried is a datagram or an echo request", () => {
  fc.assert(
    fc.property(fc.array(anyPacket(), { maxLength: 8 }), (packets) => {
      const lane = carrying(CARRYING.replace(/ports.*\n/u, ""));
      for (const packet of packets.filter(({ length }) => length <= lane.slotPacketBytes)) {
        if (reasonOf(lane, packet) !== Reason.ReplaceCarried) continue;
        const { protocol, fragment, l4Offset } = decodePacket(packet);
        expect([1, 17, 58]).toContain(protocol);
        if (protocol !== 17 && !fragment) expect(packet[l4Offset]).toBe(protocol === 1 ? 8 : 128);
      }
      conserved(engine);
    }),
    { numRuns: 300 },
  );
});
