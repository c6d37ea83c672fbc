import { describe, expect, test } from "bun:test";
import * as abi from "@bunnel/abi";
import fc from "fast-check";
import { ProfileError } from "../errors.ts";
import { parseProfile } from "../profile/parse.ts";
import { checkRules } from "./check.ts";
import { decodeRules } from "./decode.ts";
import { encodeRules } from "./encode.ts";
import { hostHash } from "./host-hash.ts";
import { matchRule } from "./match.ts";

const TABLE = encodeRules(
  parseProfile(`
    [[rule]]
    name = "a"
    hosts = ["example.org", "=example.net"]
    addresses = ["192.0.2.0/25", "203.0.113.0/24", "2001:db8::/32"]
    ports = [443]
    packets = [1, 4]
    strategy = "tls: fake(ttl=4) split(1, midsld)  http: split(method+2)"
  `),
);

/** Offsets within TABLE. */
const WORDS = new DataView(TABLE.buffer);
const RULE = WORDS.getUint32(abi.HEADER_RULES_AT, true);
const STRATEGY = WORDS.getUint32(abi.HEADER_STRATEGIES_AT, true);
const FAKE = WORDS.getUint32(STRATEGY + abi.STRATEGY_OPS_AT, true);
const SPLIT = FAKE + abi.OP_BYTES;
const HTTP_SPLIT = SPLIT + abi.OP_BYTES;
const HOSTS = WORDS.getUint32(abi.HEADER_HOSTS_AT, true);
const SETS = WORDS.getUint32(abi.HEADER_ADDRESS_SETS_AT, true);
const RANGES = WORDS.getUint32(SETS + abi.ADDRESS_SET_V4_AT, true);
const PLACE_COUNT = WORDS.getUint32(abi.HEADER_HOSTS_MASK, true) + 1;
const PLACE = placeOf("example.org");
const PLACE_INDEX = (PLACE - HOSTS) / abi.HOST_PLACE_BYTES;

function placeOf(name: string): number {
  for (let index = 0; index < PLACE_COUNT; index += 1) {
    const at = HOSTS + index * abi.HOST_PLACE_BYTES;
    if (WORDS.getUint32(at + abi.HOST_HASH, true) === hostHash(name)) return at;
  }
  throw new Error(`${name} has no place`);
}

function changed(change: (view: DataView) => void): Uint8Array {
  const table = TABLE.slice();
  change(new DataView(table.buffer));
  return table;
}

const u8 = (at: number, value: number) => changed((view) => view.setUint8(at, value));
const u16 = (at: number, value: number) => changed((view) => view.setUint16(at, value, true));
const u32 = (at: number, value: number) => changed((view) => view.setUint32(at, value, true));

describe("checkRules()", () => {
  test("accepts what encodeRules writes, also at the start of a larger region and with a generation", () => {
    checkRules(TABLE);
    const region = new Uint8Array(new SharedArrayBuffer(abi.RULES_TABLE_BYTES + 8), 8);
    region.set(TABLE);
    region[abi.HEADER_GENERATION] = 9;
    expect(decodeRules(region)).toEqual({ ...decodeRules(TABLE), generation: 9 });
  });

  test.each<[string, Uint8Array]>([
    ["size: expected at least 64 octets, found 63", TABLE.subarray(0, 63)],
    ["magic: expected 0x544e4e42, found 0x0", u32(abi.HEADER_MAGIC, 0)],
    ["version: expected 4, found 1", u32(abi.HEADER_VERSION, 1)],
    [`total size: expected a multiple of 4 from 64 to ${TABLE.length}, found 63`, u32(abi.HEADER_TOTAL_BYTES, 63)],
    [
      `total size: expected a multiple of 4 from 64 to ${TABLE.length}, found ${TABLE.length + 4}`,
      u32(abi.HEADER_TOTAL_BYTES, TABLE.length + 4),
    ],
    [
      `total size: expected a multiple of 4 from 64 to ${TABLE.length}, found ${TABLE.length - 2}`,
      u32(abi.HEADER_TOTAL_BYTES, TABLE.length - 2),
    ],
    ["rules: expected at most 1024, found 1025", u32(abi.HEADER_RULE_COUNT, 1025)],
    ["kinds: expected 0x6, those of the rules, found 0x2", u32(abi.HEADER_L7_MASK, 2)],
    ["strategies: expected at most 1024, found 4294967295", u32(abi.HEADER_STRATEGY_COUNT, 0xffffffff)],
    [
      `rules: expected a place from 64 to ${TABLE.length}, found 64 to ${64 + 1024 * abi.RULE_BYTES}`,
      u32(abi.HEADER_RULE_COUNT, 1024),
    ],
    ["rules: expected an offset at a multiple of 4, found 66", u32(abi.HEADER_RULES_AT, 66)],
    [
      `rules: expected a place from 64 to ${TABLE.length}, found 60 to ${60 + 2 * abi.RULE_BYTES}`,
      u32(abi.HEADER_RULES_AT, 60),
    ],
    [
      `strategies: expected a place from 64 to ${TABLE.length}, found 4294967292 to 4294967324`,
      u32(abi.HEADER_STRATEGIES_AT, 0xfffffffc),
    ],
    ["host places: expected a power of two that fits, found 3", u32(abi.HEADER_HOSTS_MASK, 2)],
    ["host places: expected a power of two that fits, found 4294967296", u32(abi.HEADER_HOSTS_MASK, 0xffffffff)],
    [
      `host places: expected a place from 64 to ${TABLE.length}, found ${TABLE.length - 4} to ${TABLE.length + 60}`,
      u32(abi.HEADER_HOSTS_AT, TABLE.length - 4),
    ],
    ["rule 0 kinds: expected bits of 0x3e, found 0x0", u8(RULE + abi.RULE_L7_MASK, 0)],
    ["rule 0 kinds: expected bits of 0x3e, found 0x42", u8(RULE + abi.RULE_L7_MASK, 0x42)],
    ["rule 0 kinds: expected 0x2, as its strategy has, found 0x6", u8(RULE + abi.RULE_L7_MASK, 6)],
    ["rule 1 families: expected bits of 0x3, found 0x4", u8(RULE + abi.RULE_BYTES + abi.RULE_FAMILY_MASK, 4)],
    ["rule 0 strategy: expected less than 2, found 2", u16(RULE + abi.RULE_STRATEGY, 2)],
    ["rule 0 hosts: expected a set that has names, found 2", u16(RULE + abi.RULE_HOST_SET, 2)],
    ["rule 0 port ranges: expected at most 4, found 5", u16(RULE + abi.RULE_PORT_COUNT, 5)],
    ["rule 0 port range 0: expected first, then last, from 1, found 0 to 443", u16(RULE + abi.RULE_PORTS, 0)],
    ["rule 0 port range 0: expected first, then last, from 1, found 444 to 443", u16(RULE + abi.RULE_PORTS, 444)],
    ["strategy 0 kind: expected 1 to 5, found 6", u8(STRATEGY + abi.STRATEGY_L7, 6)],
    ["strategy 0 operations: expected 1 to 8, found 0", u8(STRATEGY + abi.STRATEGY_OP_COUNT, 0)],
    ["strategy 0 operations: expected 1 to 8, found 9", u8(STRATEGY + abi.STRATEGY_OP_COUNT, 9)],
    ["strategy 0 operations: expected an offset at a multiple of 4, found 1", u32(STRATEGY + abi.STRATEGY_OPS_AT, 1)],
    ["rule 0 addresses: expected at most 1, found 2", u16(RULE + abi.RULE_ADDRESS_SET, 2)],
    ["rule 0 direction: expected bits of 0x3, found 0x4", u8(RULE + abi.RULE_DIRECTION_MASK, 4)],
    ["rule 0 packets: expected first, then last, from 1, found 5 to 4", u16(RULE + abi.RULE_PACKET_FIRST, 5)],
    ["rule 0 packets: expected first, then last, from 1, found 0 to 4", u16(RULE + abi.RULE_PACKET_FIRST, 0)],
    ["address sets: expected at most 256, found 257", u32(abi.HEADER_ADDRESS_SET_COUNT, 257)],
    ["address sets: expected an offset at a multiple of 4, found 65", u32(abi.HEADER_ADDRESS_SETS_AT, 65)],
    ["address set 1 IPv4 ranges: expected at most 131072, found 131073", u32(SETS + abi.ADDRESS_SET_V4_COUNT, 131073)],
    [
      "address set 1 IPv4 ranges: expected an offset of 0 where there are none, found 400",
      u32(SETS + abi.ADDRESS_SET_V4_COUNT, 0),
    ],
    ["address set 1 IPv6 ranges: expected an offset at a multiple of 4, found 1", u32(SETS + abi.ADDRESS_SET_V6_AT, 1)],
    [
      "address set 1 IPv4 range 0: expected first, then last, found 3221225984 to 3221225983",
      changed((view) => view.setUint32(RANGES + 4, 0xc00001ff)),
    ],
    [
      "address set 1 IPv4 range 1: expected to start behind 3221226112, found 3221226112",
      changed((view) => view.setUint32(RANGES + 8, 0xc0000280)),
    ],
    ["strategy 0 operation 0 technique: expected one that there is, found 29", u8(FAKE + abi.OP_TECHNIQUE, 29)],
    ["strategy 0 operation 0 technique: expected one that there is, found 0", u8(FAKE + abi.OP_TECHNIQUE, 0)],
    ["strategy 0 operation 0 technique: expected one for messages of kind 1, found 7", u8(FAKE + abi.OP_TECHNIQUE, 7)],
    [
      "strategy 0 operation 0 technique: expected one that cuts before it, found 2",
      changed((view) => {
        for (let at = FAKE; at < SPLIT; at += 4) view.setUint32(at, 0);
        view.setUint8(FAKE + abi.OP_TECHNIQUE, abi.Technique.Disorder);
        view.setUint8(FAKE + abi.OP_REPEATS, 1);
      }),
    ],
    [
      "strategy 0 operations: expected 1 with a drop or an answer, found 2",
      changed((view) => {
        for (let at = FAKE; at < SPLIT; at += 4) view.setUint32(at, 0);
        view.setUint8(FAKE + abi.OP_TECHNIQUE, abi.Technique.Drop);
        view.setUint8(FAKE + abi.OP_REPEATS, 1);
      }),
    ],
    ["strategy 0 operation 0 points: expected 0, found 1", u8(FAKE + abi.OP_POINT_COUNT, 1)],
    ["strategy 0 operation 1 points: expected 1 to 8, found 9", u8(SPLIT + abi.OP_POINT_COUNT, 9)],
    ["strategy 0 operation 1 points: expected 1 to 8, found 0", u8(SPLIT + abi.OP_POINT_COUNT, 0)],
    ["strategy 0 operation 1 point 1 marker: expected 0 to 7 without 1, found 8", u8(SPLIT + abi.OP_POINTS + 4, 8)],
    ["strategy 0 operation 1 point 0 marker: expected 0 to 7 without 1, found 1", u8(SPLIT + abi.OP_POINTS, 1)],
    ["strategy 1 operation 0 point 0 marker: expected 0 to 7 without 7, found 7", u8(HTTP_SPLIT + abi.OP_POINTS, 7)],
    ["strategy 0 operation 1 point 0 spare octet: expected 0, found 1", u8(SPLIT + abi.OP_POINTS + 1, 1)],
    ["strategy 0 operation 1 point 2: expected 0, found 1", u8(SPLIT + abi.OP_POINTS + 8, 1)],
    ["strategy 0 operation 0 foolings: expected bits of 255, found 256", u16(FAKE + abi.OP_FOOLINGS, 256)],
    ["strategy 0 operation 0 foolings: expected at least one, found 0", u16(FAKE + abi.OP_FOOLINGS, 0)],
    [
      "strategy 0 operation 0 foolings: expected either a hop limit or an automatic one, found 129",
      u16(FAKE + abi.OP_FOOLINGS, 129),
    ],
    ["strategy 0 operation 1 foolings: expected bits of 0, found 2", u16(SPLIT + abi.OP_FOOLINGS, 2)],
    ["strategy 0 operation 0 ttl: expected 1 to 255, found 0", u8(FAKE + abi.OP_TTL, 0)],
    ["strategy 0 operation 1 ttl: expected 0, found 1", u8(SPLIT + abi.OP_TTL, 1)],
    ["strategy 0 operation 0 most auto ttl: expected 1 to 255, found 0", u16(FAKE + abi.OP_FOOLINGS, 128)],
    ["strategy 0 operation 0 least auto ttl: expected 0, found 1", u8(FAKE + abi.OP_AUTO_MIN, 1)],
    ["strategy 0 operation 0 auto ttl: expected 0, found 255", u8(FAKE + abi.OP_AUTO_DELTA, 0xff)],
    ["strategy 0 operation 0 time stamp: expected 0, found 1", u32(FAKE + abi.OP_TS_SHIFT, 1)],
    ["strategy 0 operation 0 time stamp: expected -2000000000 to -10000, found 0", u16(FAKE + abi.OP_FOOLINGS, 33)],
    ["strategy 0 operation 0 value: expected 0, found 1", u32(FAKE + abi.OP_VALUE, 1)],
    ["strategy 0 operation 0 second value: expected 0, found 1", u32(FAKE + abi.OP_VALUE2, 1)],
    ["strategy 0 operation 0 sequence number: expected -1073741824 to -10000, found 0", u16(FAKE + abi.OP_FOOLINGS, 5)],
    ["strategy 0 operation 0 repeats: expected 1 to 20, found 0", u8(FAKE + abi.OP_REPEATS, 0)],
    ["strategy 0 operation 0 repeats: expected 1 to 20, found 21", u8(FAKE + abi.OP_REPEATS, 21)],
    ["strategy 0 operation 1 repeats: expected 1, found 2", u8(SPLIT + abi.OP_REPEATS, 2)],
    ["strategy 0 operation 0 decoy: expected 0 or 1 or 2 or 3, found 4", u8(FAKE + abi.OP_DECOY, 4)],
    ["strategy 0 operation 1 decoy: expected 0, found 1", u8(SPLIT + abi.OP_DECOY, 1)],
    ["strategy 0 operation 0 flags: expected bits of 71, found 8", u8(FAKE + abi.OP_FLAGS, 8)],
    ["strategy 0 operation 0 flags of a name: expected bits of 4, found 1", u8(FAKE + abi.OP_FLAGS, 1)],
    ["strategy 0 operation 0 text size: expected 0, found 15", u8(FAKE + abi.OP_FLAGS, 4)],
    ["strategy 0 operation 0 text size: expected 0, found 15", u8(FAKE + abi.OP_DECOY, 1)],
    ["strategy 0 operation 0 text size: expected 1 to 253 octets, found 0", u16(FAKE + abi.OP_NAME_BYTES, 0)],
    ["strategy 0 operation 0 text size: expected 1 to 253 octets, found 254", u16(FAKE + abi.OP_NAME_BYTES, 254)],
    [
      `strategy 0 operation 0 text: expected a place from 64 to ${TABLE.length}, ` +
        `found ${TABLE.length} to ${TABLE.length + 15}`,
      u32(FAKE + abi.OP_NAME_AT, TABLE.length),
    ],
    ["strategy 0 operation 0 word: expected 0, found 1", u16(FAKE + abi.OP_WORD, 1)],
    ["strategy 0 operation 0 last octet: expected 0, found 1", u8(FAKE + 63, 1)],
    [`host place ${PLACE_INDEX} name size: expected 1 to 253 octets, found 0`, u16(PLACE + abi.HOST_TEXT_BYTES, 0)],
    [
      `host place ${PLACE_INDEX} name: expected a place from 64 to ${TABLE.length}, found 0 to 11`,
      u32(PLACE + abi.HOST_TEXT_AT, 0),
    ],
    [
      `host place ${PLACE_INDEX} name: expected lower-case ASCII, found "Example.org"`,
      u8(WORDS.getUint32(PLACE + abi.HOST_TEXT_AT, true), 0x45),
    ],
    [
      `host place ${PLACE_INDEX} hash: expected ${hostHash("example.org")}, that of its name, found 5`,
      u32(PLACE + abi.HOST_HASH, 5),
    ],
    [`host place ${PLACE_INDEX} set: expected from 1, found 0`, u16(PLACE + abi.HOST_SET, 0)],
    [`host place ${PLACE_INDEX} match: expected 1 or 2, found 3`, u16(PLACE + abi.HOST_MATCH, 3)],
  ])("refuses: %s", (message, table) => {
    expect(() => checkRules(table)).toThrow(new RegExp(`^rule table: ${RegExp.escape(message)}$`));
  });

  test("refuses a name that probing does not reach", () => {
    const home = hostHash("example.org") & (PLACE_COUNT - 1);
    const emptyBefore = changed((view) => {
      const place = TABLE.slice(PLACE, PLACE + abi.HOST_PLACE_BYTES);
      const octets = new Uint8Array(view.buffer);
      octets.fill(0, HOSTS, HOSTS + PLACE_COUNT * abi.HOST_PLACE_BYTES);
      octets.set(place, HOSTS + ((home + 1) & (PLACE_COUNT - 1)) * abi.HOST_PLACE_BYTES);
    });
    const index = (home + 1) & (PLACE_COUNT - 1);
    expect(() => checkRules(emptyBefore)).toThrow(
      `host place ${index}: expected no empty place between ${home}, its home, and it, found place ${home} empty`,
    );
  });

  test("refuses a name further away than probing goes", () => {
    const hosts = Array.from({ length: 40 }, (_, index) => `"n${index}.example.org"`);
    const table = encodeRules(parseProfile(`[[rule]]\nname = "a"\nhosts = [${hosts.join()}]\nstrategy = "pass"`));
    const view = new DataView(table.buffer);
    const at = view.getUint32(abi.HEADER_HOSTS_AT, true);
    const count = view.getUint32(abi.HEADER_HOSTS_MASK, true) + 1;
    const filled = Array.from({ length: count }, (_, index) => at + index * abi.HOST_PLACE_BYTES).find(
      (placeAt) => view.getUint32(placeAt + abi.HOST_HASH, true) !== 0,
    );
    if (filled === undefined) throw new Error("the table has no name");
    // One name in every place: no empty one stops the probing, only the distance does.
    const place = table.slice(filled, filled + abi.HOST_PLACE_BYTES);
    for (let index = 0; index < count; index += 1) table.set(place, at + index * abi.HOST_PLACE_BYTES);
    const home = view.getUint32(filled + abi.HOST_HASH, true) & (count - 1);
    const far = Array.from({ length: count }, (_, index) => index).find(
      (index) => ((index - home) & (count - 1)) >= 32,
    );
    expect(() => checkRules(table)).toThrow(
      `rule table: host place ${far}: expected less than 32 places from ${home}, its home, found `,
    );
  });

  test("whatever octets change: refused with E_RULES_TABLE, or safe to decode and to match with", () => {
    const anyChange = fc.tuple(fc.nat(TABLE.length - 1), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(anyChange, { minLength: 1, maxLength: 4 }), (changes) => {
        const table = TABLE.slice();
        for (const [at, octet] of changes) table[at] = octet;
        try {
          checkRules(table);
        } catch (error) {
          expect(error).toBeInstanceOf(ProfileError);
          expect(error).toHaveProperty("code", "E_RULES_TABLE");
          return;
        }
        decodeRules(table);
        matchRule(table, { kind: "tls", family: "ipv4", port: 443, host: "www.example.org" });
      }),
      { numRuns: 5000 },
    );
  });
});
