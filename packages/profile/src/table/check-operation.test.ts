import { expect, test } from "bun:test";
import * as abi from "@bunnel/abi";
import { parseProfile } from "../profile/parse.ts";
import { checkRules } from "./check.ts";
import { encodeRules } from "./encode.ts";

type Change = (view: DataView, at: number) => void;

const value =
  (number: number): Change =>
  (view, at) =>
    view.setInt32(at + abi.OP_VALUE, number, true);
const word =
  (number: number): Change =>
  (view, at) =>
    view.setUint16(at + abi.OP_WORD, number, true);
const octet =
  (field: number, number: number): Change =>
  (view, at) =>
    view.setUint8(at + field, number);

/** What `checkRules` says of a table whose only operation was changed. */
function refusal(strategy: string, change: Change): string {
  const table = encodeRules(parseProfile(`[[rule]]\nname = "a"\nstrategy = "${strategy}"`));
  const view = new DataView(table.buffer);
  const strategyAt = view.getUint32(abi.HEADER_STRATEGIES_AT, true);
  change(view, view.getUint32(strategyAt + abi.STRATEGY_OPS_AT, true));
  try {
    checkRules(table);
  } catch (error) {
    return (error as Error).message.replace("rule table: strategy 0 operation 0 ", "");
  }
  return "accepted";
}

test.each<[string, Change, string]>([
  ["tls: seqovl(5)", value(0), "value: expected either octets or a point, found 0"],
  ["tls: seqovl(5)", value(16385), "value: expected 0 to 16384, found 16385"],
  ["tls: seqovl(host)", value(1), "value: expected either octets or a point, found 1"],
  [
    "tls: seqovl(5)",
    octet(abi.OP_FLAGS, abi.OpFlag.OverlapSecond),
    "technique: expected one that cuts before it, found 4",
  ],
  ["tls: seqovl(5)", octet(abi.OP_DECOY, abi.Decoy.Name), "decoy: expected 1 or 2 or 3, found 0"],
  ["tls: seqovl(5)", octet(abi.OP_DECOY, abi.Decoy.Payload), "text size: expected 1 to 16384 octets, found 0"],
  ["tls: window(5)", word(0), "word: expected 1 to 65535, found 0"],
  ["tls: window(5)", value(3), "window scale: expected -1, found 3"],
  ["syn: window(5)", value(15), "value: expected -1 to 14, found 15"],
  ["syn: mss(48)", word(47), "word: expected 48 to 65535, found 47"],
  ["tls: ipfrag(8)", value(9), "value: expected a multiple of 8, found 9"],
  ["tls: ipfrag(8)", value(0), "value: expected from 8, found 0"],
  ["tls: ipfrag(8)", value(65536), "value: expected 0 to 65528, found 65536"],
  ["quic: udplen(8)", value(0), "value: expected a number other than 0, found 0"],
  ["quic: udplen(8, pattern=random)", value(-8), "decoy: expected 1, found 2"],
  ["quic: udplen(8)", value(1401), "value: expected -1400 to 1400, found 1401"],
  ["http: httphost(case)", value(0), "value: expected 1 to 31, found 0"],
  ["http: httphost(case)", value(3), "value: expected one of the bits 1 and 2, found 3"],
  ["tls: ipid(zero)", value(4), "value: expected 0 to 3, found 4"],
  ["tls: delay(1)", word(0), "word: expected 1 to 10000, found 0"],
  ["tls: delay(1)", value(10001), "value: expected 0 to 10000, found 10001"],
  ["tls: ttl(1)", octet(abi.OP_TTL, 0), "ttl: expected 1 to 255, found 0"],
  ["tls: tos(1)", value(256), "value: expected 0 to 255, found 256"],
  ["tls: dup", octet(abi.OP_REPEATS, 21), "repeats: expected 1 to 20, found 21"],
  ["tls: hostfakesplit(host=a.org, ttl=1)", octet(abi.OP_FOOLINGS, 0), "foolings: expected at least one, found 0"],
  ["tls: hostfakesplit(ttl=1)", octet(abi.OP_FLAGS, 0), "text size: expected 1 to 253 octets, found 0"],
  ["tls: rst(ttl=1)", octet(abi.OP_FOOLINGS, abi.Fooling.Ts), "foolings: expected bits of 143, found 32"],
  ["tls: rst(badseq=-10000/-1073741825)", value(-9999), "sequence number: expected -1073741824 to -10000, found -9999"],
  ["tls: fake(badseq=-10000/-1073741825)", value(0), "sequence number: expected -1073741824 to -10000, found 0"],
  ["syn: synack", octet(abi.OP_FOOLINGS, abi.Fooling.BadSeq), "foolings: expected bits of 11, found 4"],
  ["syn: syndata", octet(abi.OP_DECOY, abi.Decoy.Zeros), "decoy: expected 3, found 1"],
  ["quic: fake", octet(abi.OP_FOOLINGS, abi.Fooling.Md5Sig), "foolings: expected bits of 3, found 8"],
  ["quic: fake", octet(abi.OP_FLAGS, abi.OpFlag.DupSessionId), "flags: expected bits of 64, found 1"],
  ["dns: fake", octet(abi.OP_DECOY, abi.Decoy.Name), "decoy: expected 1 or 2 or 3, found 0"],
  ["http: fake(ttl=1)", octet(abi.OP_FLAGS, abi.OpFlag.RandomName), "flags: expected bits of 64, found 4"],
  [
    "tls: fake(zeros, ttl=1)",
    octet(abi.OP_FLAGS, abi.OpFlag.PadEncap),
    "flags without a hello: expected bits of 0, found 2",
  ],
  ["tls: fake(ttl=auto:3-20)", octet(abi.OP_AUTO_MIN, 21), "least auto ttl: expected 1 to 20, found 21"],
  ["quic: drop", octet(abi.OP_TTL, 1), "ttl: expected 0, found 1"],
])("checkRules() refuses what is no %s", (strategy, change, message) => {
  expect(refusal(strategy, () => undefined)).toBe("accepted");
  expect(refusal(strategy, change)).toBe(message);
});
