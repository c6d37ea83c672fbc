// Long host lists: the engine's look-ups, with the filter before them, against the plain matcher.
import { describe, expect, test } from "bun:test";
import {
  HEADER_FILTER_BITS,
  HOST_FILTER_NAMES_MIN,
  HOST_MAX_BYTES,
  LANE_BYTES,
  LANES_BASE,
  Reason,
  RULES_BASE,
} from "@bunnel/abi";
import { encodeRules, matchHost, parseProfile } from "@bunnel/profile";
import { clientHello, tcpPacket, udpPacket } from "@bunnel/wire";
import { BUILDS, engineOf } from "./rig.ts";

const ENDS = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 53, destinationPort: 53 };
const NAMES_AT = LANES_BASE + LANE_BYTES;
const LETTERS = "abcdefghijklmnopqrstuvwxyz";

/**
 * Names of one or two labels before the zone, one of them of up to 60 octets, so that names end on every octet of the
 * sixteens that they are read in; every seventh stands for itself alone.
 */
function names(count: number): string[] {
  return Array.from({ length: count }, (_, index) => {
    const label = `${LETTERS.repeat(3).slice(0, index % 57)}${index}`;
    return `${index % 7 === 0 ? "=" : ""}${index % 3 === 0 ? "x-_." : ""}${label}.example.org`;
  });
}

function tableOf(list: readonly string[]): Uint8Array {
  const text = `[[rule]]\nname = "list"\nhosts_file = "list"\nstrategy = "tls: split(1)"\n`;
  return encodeRules(parseProfile(text, { load: () => new TextEncoder().encode(list.join("\n")) }));
}

/** The name, names below it of up to the longest there are, and others that are near it. */
function variantsOf(name: string): string[] {
  const below = `${`${LETTERS}.`.repeat(9).slice(0, HOST_MAX_BYTES - name.length - 1)}.${name}`.replace("..", "-.");
  const other = name.replace(/[a-z0-9]/, (octet) => String.fromCharCode(octet.charCodeAt(0) ^ 1));
  const near = [`x${name}`, `${name}x`, `.${name}`, `a..${name}`, other, name.replace(".", "-")];
  return [name, `www.${name}`, `${name}.`, name.toUpperCase(), below, ...near];
}

describe.each(BUILDS)("host lists, %s build", (build) => {
  test.each([
    ["without a filter", HOST_FILTER_NAMES_MIN - 1, false],
    ["with a filter", HOST_FILTER_NAMES_MIN * 2, true],
  ])("%s: what the plain matcher finds, in any case of letters, and nothing else", async (_, count, filtered) => {
    const engine = await engineOf(build);
    const list = names(count);
    const table = tableOf(list);
    engine.loadRules(table);
    const octets = new Uint8Array(engine.memory);
    expect(new DataView(engine.memory).getUint32(RULES_BASE + HEADER_FILTER_BITS, true) > 0).toBe(filtered);
    let found = 0;
    for (const entry of list.slice(0, 500)) {
      const name = entry.replace("=", "");
      for (const asked of variantsOf(name)) {
        octets.set([asked.length & 255, asked.length >> 8, ...new TextEncoder().encode(asked)], NAMES_AT);
        const is = engine.exports.countHosts(NAMES_AT, 1, 1) === 1;
        expect({ asked, is }).toEqual({ asked, is: matchHost(table, 1, asked) });
        if (is) found++;
      }
    }
    expect(found).toBeGreaterThan(1000);
  });
});

test.each(BUILDS)("countAddresses() and checksumBurst(), %s build: as the packets one by one", async (build) => {
  const engine = await engineOf(build);
  const text = `[[rule]]\nname = "list"\naddresses = ["192.0.2.0/25"]\nstrategy = "tls: split(1)"\n`;
  engine.loadRules(encodeRules(parseProfile(text)));
  const addresses = [192, 0, 2, 0, 192, 0, 2, 127, 192, 0, 2, 128, 203, 0, 113, 9];
  new Uint8Array(engine.memory).set(addresses, NAMES_AT);
  expect(engine.exports.countAddresses(NAMES_AT, 4, 1)).toBe(2);
  const lane = engine.lane(0);
  const packets = [udpPacket({ ...ENDS, payload: Uint8Array.of(1, 2, 3) }), udpPacket({ ...ENDS, sourcePort: 7 })];
  for (const [i, packet] of packets.entries()) lane.place(i, packet);
  const [one = 0, two = 0] = packets.map((packet, i) => lane.exports.checksum(lane.rx.at[i] ?? 0, packet.length));
  expect(lane.exports.checksumBurst(0, 2)).toBe((one ^ two) >>> 0);
  expect(lane.exports.checksumBurst(1, 2)).toBe(two);
});

test.each(BUILDS)("a hello without a name, %s build: in no list", async (build) => {
  const engine = await engineOf(build);
  engine.loadRules(tableOf(names(HOST_FILTER_NAMES_MIN * 2)));
  const lane = engine.lane(0);
  lane.place(0, tcpPacket({ ...ENDS, destinationPort: 443, flags: 0x18, payload: clientHello({}) }));
  lane.poll(0, 1, 0);
  expect(lane.meta(0).reason).toBe(Reason.PassNoHost);
});
