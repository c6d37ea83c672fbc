import { describe, expect, test } from "bun:test";
import { counter, equals, loadMeta, returnVerdict } from "./expression.ts";
import { addMark, carries, hasDestinationPort } from "./match.ts";
import { deleteTable, flushChain, newRouteChain, newRule, newTable, tableComment, transaction } from "./message.ts";

const META_L4PROTO = 16;
const TCP = 6;

/** What the message carries behind the netlink header, as hexadecimal text. */
function payload(message: { toBytes(sequence: number): Uint8Array }): string {
  return message.toBytes(1).subarray(16).toHex();
}

// The octets that nft 1.0.6 sends for
//   table inet bunnel { comment "bunnel"; chain output { type route hook output priority -150; policy accept; … } }
const TABLE = "010000000b00010062756e6e656c00000800020000000000" + "0d000600000762756e6e656c00000000";
const CHAIN =
  "010000000b00010062756e6e656c00000b0003006f7574707574" +
  "00000a000700726f757465000000" +
  "0800050000000001" +
  "14000480" +
  "0800010000000003" +
  "08000200ffffff6a";

// … and for the rule
//   meta l4proto tcp tcp dport 443 @ih,0,16 0x1603 @ih,40,8 0x01 counter meta mark set meta mark | 0x8000 return
const RULE =
  "010000000b00010062756e6e656c00000b0002006f757470757400004c020480" +
  // meta load l4proto => reg 1; cmp eq 6
  "24000180090001006d657461000000001400028008000200000000100800010000000001" +
  "2c00018008000100636d700020000280080001000000000108000200000000000c0003800500010006000000" +
  // payload load 2 @ transport + 2 => reg 1; cmp eq 443
  "340001800c0001007061796c6f6164002400028008000100000000010800020000000002" +
  "08000300000000020800040000000002" +
  "2c00018008000100636d700020000280080001000000000108000200000000000c0003800600010001bb0000" +
  // payload load 2 @ inner + 0; cmp eq 0x1603
  "340001800c0001007061796c6f6164002400028008000100000000010800020000000003" +
  "08000300000000000800040000000002" +
  "2c00018008000100636d700020000280080001000000000108000200000000000c0003800600010016030000" +
  // payload load 1 @ inner + 5; cmp eq 1
  "340001800c0001007061796c6f6164002400028008000100000000010800020000000003" +
  "08000300000000050800040000000001" +
  "2c00018008000100636d700020000280080001000000000108000200000000000c0003800500010001000000" +
  // counter
  "140001800c000100636f756e74657200" +
  "04000280" +
  // meta load mark; bitwise (reg & 0xffff7fff) ^ 0x8000; meta set mark
  "24000180090001006d657461000000001400028008000200000000030800010000000001" +
  "4c0001800c00010062697477697365003c000280080001000000000108000200000000010800060000000000" +
  "08000300000000040c00048008000100ff7fffff0c0005800800010000800000" +
  "24000180090001006d657461000000001400028008000200000000030800030000000001" +
  // immediate verdict return
  "300001800e000100696d6d6564696174650000001c00028008000100000000001000028" +
  "00c00028008000100fffffffb";

describe("messages of nftables", () => {
  test("newTable() writes the octets that nft writes", () => {
    expect(payload(newTable("bunnel", 0, "bunnel"))).toBe(TABLE);
  });

  test("newTable() puts the owner flag where the flags stand", () => {
    expect(payload(newTable("bunnel", 2, "bunnel"))).toBe(TABLE.replace("0800020000000000", "0800020000000002"));
  });

  test("newRouteChain() writes the octets that nft writes", () => {
    expect(payload(newRouteChain("bunnel", "output", -150))).toBe(CHAIN);
  });

  test("newRule() writes the octets that nft writes", () => {
    const rule = [
      loadMeta(META_L4PROTO),
      equals(Uint8Array.of(TCP)),
      ...hasDestinationPort(443),
      ...carries(0, Uint8Array.of(0x16, 0x03)),
      ...carries(5, Uint8Array.of(0x01)),
      counter(),
      ...addMark(0x8000),
      returnVerdict(),
    ];
    expect(payload(newRule("bunnel", "output", rule))).toBe(RULE);
  });

  test("transaction() stands between begin and end, and only what is within is acknowledged", () => {
    const messages = transaction([deleteTable("bunnel"), flushChain("bunnel", "output")]);
    expect(messages.map(({ type, flags }) => [type, flags])).toEqual([
      [0x10, 0],
      [0x0a02, 4],
      [0x0a08, 4],
      [0x11, 0],
    ]);
    expect(payload(messages[0] ?? newTable("", 0, ""))).toBe("0000000a");
  });

  test("tableComment() refuses what its length octet cannot say", () => {
    expect(tableComment("x".repeat(254)).length).toBe(257);
    expect(() => tableComment("x".repeat(255))).toThrow("table comment: expected at most 254 octets, found 255");
  });
});
