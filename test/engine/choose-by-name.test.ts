// Connections that stream rules take: by port alone, or by the name that their address was last asked for by.
import { beforeAll, describe, expect, test } from "bun:test";
import { Engine, Translations, type Lane } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { parseAddress, tcpPacket } from "@bunnel/wire";
import { SETUP, through } from "./translation-rig.ts";

const RULES = `
[[rule]]
name = "as packets"
hosts = ["packets.example.org"]
strategy = "tls: split(1)"
[[rule]]
name = "by sockets"
hosts = ["video.example.org"]
egress = "stream"
strategy = "tls: tlsrec(1)"
`;
const ENDS = {
  4: { source: "192.0.2.7", destination: "203.0.113.9" },
  6: { source: "2001:db8::7", destination: "2001:db8:1::9" },
} as const;

let engine: Engine;
beforeAll(async () => {
  engine = await Engine.create({ warm: false });
});

function laneWith(byName: boolean): Lane {
  engine.reset();
  const profile = parseProfile(`[stream]\nby_name = ${byName}\n${RULES}`);
  engine.loadRules(encodeRules(profile, { streamRules: "leave" }));
  Translations.open(engine.memory, SETUP);
  return engine.lane(0, { translate: true });
}

/** Whether a new connection is translated, when the address is known by a name, or by none. */
function isTaken(family: 4 | 6, byName: boolean, name?: string): boolean {
  const lane = laneWith(byName);
  const ends = ENDS[family];
  if (name !== undefined) engine.learnName(parseAddress(ends.destination), name, 60, 0);
  const packet = tcpPacket({ ...ends, sourcePort: 40_000, destinationPort: 443, flags: "S" });
  through(lane, packet);
  return engine.counters().translationsMade === 1;
}

describe.each([4, 6] as const)("a new connection, IPv%i", (family) => {
  test.each([
    ["one that a stream rule wants", "a.video.example.org", true, true],
    ["one that a packet rule before it wants", "packets.example.org", true, false],
    ["one that no rule wants", "other.example.org", true, false],
    ["none", undefined, true, true],
  ])("with by_name, where its address is known by %s", (_, name, byPort, byName) => {
    expect([isTaken(family, false, name), isTaken(family, true, name)]).toEqual([byPort, byName]);
  });
});
