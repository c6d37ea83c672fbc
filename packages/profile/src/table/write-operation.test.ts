import { expect, test } from "bun:test";
import * as abi from "@bunnel/abi";
import { parseProfile } from "../profile/parse.ts";
import { encodeRules } from "./encode.ts";

/** The words of four octets of a strategy's last operation that are not zero, each "offset: value". */
function wordsOf(strategy: string): string {
  const table = encodeRules(parseProfile(`[[rule]]\nname = "a"\nstrategy = '${strategy}'`));
  const view = new DataView(table.buffer);
  const strategyAt = view.getUint32(abi.HEADER_STRATEGIES_AT, true);
  const last = view.getUint8(strategyAt + abi.STRATEGY_OP_COUNT) - 1;
  const at = view.getUint32(strategyAt + abi.STRATEGY_OPS_AT, true) + last * abi.OP_BYTES;
  const words: string[] = [];
  for (let offset = 0; offset < abi.OP_BYTES; offset += 4) {
    const word = view.getUint32(at + offset, true);
    if (word !== 0) words.push(`${offset}: ${word.toString(16).padStart(8, "0")}`);
  }
  return words.join(", ");
}

// Octets 0 technique, 1 points, 2 foolings, 4 hop limit, 5 repeats, 6 decoy, 7 flags, 8 text, 12 its octets, 14 word.
// The text of these tables starts at 0xd0.
test.each([
  ["tls: split(1, sniext-2)", "0: 00000201, 4: 00000100, 16: 00010000, 20: fffe0007"],
  ["tls: split(1) disorder", "0: 00000002, 4: 00000100"],
  [
    "tls: fake(sni=a.b, ttl=4, badsum, md5sig, datanoack, dataofs, x2, after)",
    "0: 005b0003, 4: 40000204, 8: 000000d0, 12: 00000003",
  ],
  ["tls: fake(rndsni, ttl=5, ttl=auto-2:3-20)", "0: 00800003, 4: 04000105, 60: 001403fe"],
  ["http: fake(zeros, badseq=-20000/-5)", "0: 00040003, 4: 00010100, 48: ffffb1e0, 52: fffffffb"],
  ["http: fake(random, ts=-20000)", "0: 00200003, 4: 00020100, 56: ffffb1e0"],
  [
    "tls: fake(tls, rndsni, dupsid, padencap, ttl=auto+1)",
    "0: 00800003, 4: 07030100, 8: 000000d0, 12: 00000205, 60: 00140301",
  ],
  ["quic: fake(file=hex:0102, x6)", "0: 00000003, 4: 00030600, 8: 000000d0, 12: 00000002"],
  ["tls: split(2) seqovl(1, second, pattern=random)", "0: 00000004, 4: 08020100, 48: 00000001"],
  ["tls: seqovl(sld+1, pattern=hex:0102)", "0: 00000104, 4: 00030100, 8: 000000d0, 12: 00000002, 16: 00010004"],
  ["tls: fakedsplit(midsld, badsum, x3)", "0: 00020105, 4: 00010300, 16: 00000005"],
  ["tls: hostfakesplit(host=a.b, midhost, badsum)", "0: 00020006, 4: 20000100, 8: 000000d0, 12: 00000003"],
  ["tls: hostfakesplit(badsum)", "0: 00020006, 4: 04000100"],
  ["syn: syndata", "0: 00000007, 4: 00030100, 8: 000000d0, 12: 00000010"],
  ["syn: synack(ttl=3, x2)", "0: 00010008, 4: 00000203"],
  ["tls: rst(ack, badseq, after)", "0: 00040009, 4: 50000100, 48: ffffd8f0, 52: fffefe30"],
  ["syn: window(258, scale=6)", "0: 0000000a, 4: 00000100, 12: 01020000, 48: 00000006"],
  ["tls: window(1)", "0: 0000000a, 4: 00000100, 12: 00010000, 48: ffffffff"],
  ["syn: mss(88)", "0: 0000000b, 4: 00000100, 12: 00580000"],
  ["quic: ipfrag(8)", "0: 0000000c, 4: 00000100, 48: 00000008"],
  ["quic: ipfrag(hopbyhop)", "0: 0000000c, 4: 80000100"],
  ["quic: udplen(-4)", "0: 0000000d, 4: 00010100, 48: fffffffc"],
  ["dns: udplen(+5, pattern=hex:ff)", "0: 0000000d, 4: 00030100, 8: 000000d0, 12: 00000001, 48: 00000005"],
  ["quic: drop", "0: 0000000e, 4: 00000100"],
  ["http: httphost(mixed, nospace, domcase, unixeol)", "0: 0000000f, 4: 00000100, 48: 0000001e"],
  ["tls: ipid(zero)", "0: 00000010, 4: 00000100, 48: 00000003"],
  ["tls: dup(x3)", "0: 00000011, 4: 00000300"],
  ["tls: delay(300, jitter=7)", "0: 00000012, 4: 00000100, 12: 012c0000, 48: 00000007"],
  ["tls: ttl(9)", "0: 00000013, 4: 00000109"],
  ["tls: tos(16)", "0: 00000014, 4: 00000100, 48: 00000010"],
])("writeOperation() writes %s", (strategy, words) => {
  expect(wordsOf(strategy)).toBe(words);
});
