// A SYN has no name; rules by host act on it by what its destination was last asked for by.
import { beforeEach, describe, expect, test } from "bun:test";
import { NAME_BUCKETS, NAME_WAYS, Reason } from "@bunnel/abi";
import { Engine, type Lane } from "@bunnel/engine";
import { encodeRules, parseProfile } from "@bunnel/profile";
import { parseAddress, tcpPacket } from "@bunnel/wire";
import fc from "fast-check";
import { BUILDS } from "./rig.ts";

const NOW = 1_000_000;

describe.each(BUILDS)("names of addresses, %s build", (build) => {
  let engine: Engine;
  let lane: Lane;

  beforeEach(async () => {
    engine = await Engine.create({ build, seed: 1n, warm: false });
    const text = '[[rule]]\nname = "a"\nhosts = ["example.org"]\nstrategy = "syn: mss(88)"';
    engine.loadRules(encodeRules(parseProfile(text)));
    lane = engine.lane(0);
  });

  function reasonFor(destination: string, nowMs = NOW): Reason {
    const source = destination.includes(":") ? "2001:db8::7" : "192.0.2.7";
    lane.place(0, tcpPacket({ source, destination, sourcePort: 40000, destinationPort: 443, flags: "S" }));
    lane.poll(0, 1, nowMs);
    return lane.meta(0).reason;
  }

  function learn(address: string, name: string, seconds = 60, nowMs = NOW): void {
    engine.learnName(parseAddress(address), name, seconds, nowMs);
  }

  test.each(["203.0.113.9", "2001:db8::9"])("a SYN to %s is of no host until its name is known", (address) => {
    expect(reasonFor(address)).toBe(Reason.PassNoHost);
    learn(address, "Video.example.org");
    expect(reasonFor(address)).toBe(Reason.ReplacePlanned);
  });

  test("another host's address is none of the rule's, and no other address has the name", () => {
    learn("203.0.113.9", "video.example.org");
    learn("203.0.113.10", "example.net");
    expect(reasonFor("203.0.113.10")).toBe(Reason.PassNoRule);
    expect(reasonFor("203.0.113.11")).toBe(Reason.PassNoHost);
    expect(reasonFor("::ffff:203.0.113.11")).toBe(Reason.PassNoHost);
  });

  test("the last name of an address holds", () => {
    learn("203.0.113.9", "video.example.org");
    learn("203.0.113.9", "example.net");
    expect(reasonFor("203.0.113.9")).toBe(Reason.PassNoRule);
  });

  test("a name is over when its time is, also where the clock starts again", () => {
    learn("203.0.113.9", "video.example.org", 10);
    expect(reasonFor("203.0.113.9", NOW + 9_999)).toBe(Reason.ReplacePlanned);
    expect(reasonFor("203.0.113.9", NOW + 10_000)).toBe(Reason.PassNoHost);
    const late = 2 ** 32 - 5_000;
    learn("203.0.113.10", "video.example.org", 10, late);
    expect(reasonFor("203.0.113.10", 4_999)).toBe(Reason.ReplacePlanned);
    expect(reasonFor("203.0.113.10", 5_000)).toBe(Reason.PassNoHost);
  });

  test("a full table lets those go that are over first, and keeps as many as it has room for", () => {
    const total = NAME_BUCKETS * NAME_WAYS;
    for (let i = 0; i < 4 * total; i++) learn(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`, "a.example.org", i / 1000);
    let known = 0;
    for (let i = 0; i < 4 * total; i += 97) {
      if (reasonFor(`10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`) === Reason.ReplacePlanned) known++;
    }
    expect(known).toBeGreaterThan(0);
    expect(known).toBeLessThanOrEqual(Math.ceil(total / 97) * 2);
    learn("203.0.113.9", "video.example.org", 3600);
    expect(reasonFor("203.0.113.9")).toBe(Reason.ReplacePlanned);
  });

  test("whatever address and name: what was learned is what the rule sees", () => {
    const octets = fc.oneof(
      fc.uint8Array({ minLength: 4, maxLength: 4 }),
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
    );
    fc.assert(
      fc.property(octets, fc.boolean(), (address, isOurs) => {
        engine.learnName(address, isOurs ? "www.example.org" : "www.example.net", 60, NOW);
        const text = address.length === 4 ? address.join(".") : (address.toHex().match(/..../g) ?? []).join(":");
        expect(reasonFor(text)).toBe(isOurs ? Reason.ReplacePlanned : Reason.PassNoRule);
      }),
      { numRuns: 200 },
    );
  });

  test("a reset forgets names", () => {
    learn("203.0.113.9", "video.example.org");
    engine.reset();
    expect(reasonFor("203.0.113.9")).toBe(Reason.PassNoHost);
  });
});
