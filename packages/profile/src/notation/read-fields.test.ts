import { describe, expect, test } from "bun:test";
import { errorOf } from "../../test/strategy-error.ts";
import { parseStrategy } from "./checker.ts";
import type { Operation } from "./strategy.ts";

function operationOf(text: string): Operation | undefined {
  return parseStrategy(text).clauses[0]?.operations.at(-1);
}

describe("parseStrategy() reads what is cut and covered", () => {
  test.each<[string, Operation]>([
    [
      "tls: seqovl(568, pattern=hello)",
      {
        technique: "seqovl",
        overlap: 568,
        second: false,
        pattern: { content: "payload", payload: { source: "named", name: "hello" } },
      },
    ],
    [
      "tls: split(2) seqovl(1, second)",
      { technique: "seqovl", overlap: 1, second: true, pattern: { content: "zeros" } },
    ],
    [
      "tls: seqovl(midsld-1, pattern=random)",
      { technique: "seqovl", overlap: { marker: "midsld", offset: -1 }, second: false, pattern: { content: "random" } },
    ],
    [
      "tls: fakedsplit(1, midsld, pattern=tls, sni=a.example.org, badsum, x2)",
      {
        technique: "fakedsplit",
        points: [
          { marker: "absolute", offset: 1 },
          { marker: "midsld", offset: 0 },
        ],
        pattern: { content: "payload", payload: { source: "tls", name: "a.example.org" } },
        foolings: { badsum: true },
        repeats: 2,
      },
    ],
    ["tls: hostfakesplit(ttl=3)", { technique: "hostfakesplit", midhost: false, foolings: { ttl: 3 }, repeats: 1 }],
    [
      "http: hostfakesplit(host=a.example.org, midhost, ttl=3, x4)",
      { technique: "hostfakesplit", name: "a.example.org", midhost: true, foolings: { ttl: 3 }, repeats: 4 },
    ],
  ])("%s", (text, operation) => {
    expect(operationOf(text)).toEqual(operation);
  });

  test.each([
    ["tls: seqovl", "1:6 seqovl: expected a number of octets or a point in parentheses, found none"],
    ["tls: seqovl(0)", "1:13 seqovl: expected a whole number from 1 to 16384, found 0"],
    ["tls: seqovl(-4)", "1:13 seqovl: expected a whole number from 1 to 16384, found -4"],
    ["tls: seqovl(16385)", "1:13 seqovl: expected a whole number from 1 to 16384, found 16385"],
    ["tls: seqovl(1, midsld)", '1:16 seqovl: expected one number, found a second: "midsld"'],
    [
      "tls: seqovl(method)",
      '1:13 tls marker: expected host, endhost, sld, midsld, endsld or sniext, found "method", ' +
        "which tls messages do not have",
    ],
    ["tls: seqovl(1, pattern)", '1:16 pattern: expected "=" and a payload\'s name, found none'],
    ["tls: seqovl(1, pattern=zeros, sni=a.org)", "1:31 sni: expected tls or quic beside it, found none"],
    [
      "tls: seqovl(1, midlsd)",
      "1:16 tls seqovl parameter: expected 1..16384, a point, second, " +
        "pattern=zeros|random|tls|http|quic|stun|payload, sni=name or host=name, " +
        'found "midlsd" (did you mean "midsld"?)',
    ],
    ["tls: fakedsplit(ttl=1)", "1:6 fakedsplit: expected 1 to 8 points in parentheses, found none"],
    ["tls: fakedsplit(1, 2, ttl=1, 1)", "1:30 fakedsplit: expected every point once, found 1 a second time"],
    ["tls: fakedsplit(1,2,3,4,5,6,7,8,9, ttl=1)", "1:33 fakedsplit: expected 1 to 8 points in parentheses, found 9"],
    [
      "tls: fakedsplit(0, ttl=1)",
      "1:17 fakedsplit point: expected a number other than 0, found 0: nothing stands before it",
    ],
    ["tls: hostfakesplit(host, ttl=1)", '1:20 host: expected "=" and a host name, found none'],
    [
      "tls: hostfakesplit(sni=a.org, ttl=1)",
      "1:20 tls hostfakesplit parameter: expected host=name, midhost, ttl=1..255, ttl=auto-1:3-20, badsum, " +
        'badseq=seq/ack, md5sig, datanoack, ts=-600000, dataofs or x1..x20, found "sni" (did you mean "host"?)',
    ],
  ])("%j", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});

describe("parseStrategy() reads what is changed in packets", () => {
  test.each<[string, Operation]>([
    ["syn: window(1, scale=6)", { technique: "window", bytes: 1, scale: 6 }],
    ["tls: window(64)", { technique: "window", bytes: 64 }],
    ["syn: mss(88)", { technique: "mss", bytes: 88 }],
    ["tls: ipfrag", { technique: "ipfrag", bytes: 32, hopbyhop: false }],
    ["syn: ipfrag", { technique: "ipfrag", bytes: 32, hopbyhop: false }],
    ["quic: ipfrag", { technique: "ipfrag", bytes: 8, hopbyhop: false }],
    ["quic: ipfrag(hopbyhop)", { technique: "ipfrag", hopbyhop: true }],
    ["quic: ipfrag(hopbyhop, 24)", { technique: "ipfrag", bytes: 24, hopbyhop: true }],
    ["quic: udplen(8)", { technique: "udplen", bytes: 8, pattern: { content: "zeros" } }],
    [
      "dns: udplen(+8, pattern=stun)",
      { technique: "udplen", bytes: 8, pattern: { content: "payload", payload: { source: "stun" } } },
    ],
    ["dns: udplen(-8)", { technique: "udplen", bytes: -8, pattern: { content: "zeros" } }],
    ["quic: drop", { technique: "drop" }],
    ["http: httphost(unixeol, case)", { technique: "httphost", tricks: ["case", "unixeol"] }],
    ["tls: ipid(group)", { technique: "ipid", scheme: "group" }],
    ["tls: dup", { technique: "dup", repeats: 1 }],
    ["tls: dup(x3)", { technique: "dup", repeats: 3 }],
    ["tls: delay(5)", { technique: "delay", ms: 5, jitterMs: 0 }],
    ["tls: delay(jitter=7, 5)", { technique: "delay", ms: 5, jitterMs: 7 }],
    ["tls: ttl(5)", { technique: "ttl", hops: 5 }],
    ["tls: tos(0)", { technique: "tos", octet: 0 }],
    [
      "tls: rst(ack, badseq, after, x2)",
      { technique: "rst", ack: true, foolings: { badseq: { seq: -10_000, ack: -66_000 } }, repeats: 2, after: true },
    ],
    ["syn: synack", { technique: "synack", foolings: {}, repeats: 1 }],
    ["syn: syndata", { technique: "syndata", payload: { source: "zeros" } }],
    [
      "syn: syndata(tls, sni=a.example.org)",
      { technique: "syndata", payload: { source: "tls", name: "a.example.org" } },
    ],
  ])("%s", (text, operation) => {
    expect(operationOf(text)).toEqual(operation);
  });

  test.each([
    ["tls: window", "1:6 window: expected a whole number from 1 to 65535 in parentheses, found none"],
    ["tls: window(0)", "1:13 window: expected a whole number from 1 to 65535, found 0"],
    ["tls: window(1, 2)", '1:16 window: expected one number, found a second: "2"'],
    ["tls: window(1, scale=3)", '1:16 tls window parameter: expected 1..65535, found "scale=3"'],
    ["syn: window(1, scale=15)", "1:22 scale: expected a whole number from 0 to 14, found 15"],
    [
      "syn: window(1, scal=1)",
      '1:16 syn window parameter: expected 1..65535 or scale=0..14, found "scal" (did you mean "scale"?)',
    ],
    ["syn: mss(47)", "1:10 mss: expected a whole number from 48 to 65535, found 47"],
    ["tls: ipfrag(12)", "1:13 ipfrag: expected a multiple of 8, found 12"],
    ["tls: ipfrag(65536)", "1:13 ipfrag: expected a whole number from 8 to 65528, found 65536"],
    ["quic: udplen", "1:7 udplen: expected a whole number from -1400 to 1400 in parentheses, found none"],
    ["quic: udplen(0)", "1:7 udplen: expected a number other than 0, found 0"],
    ["quic: udplen(-4, pattern=random)", "1:7 udplen: expected a pattern where octets are added, found -4"],
    ["http: httphost", "1:7 httphost: expected case, mixed, nospace, domcase or unixeol in parentheses, found none"],
    ["http: httphost(case, mixed)", '1:7 httphost: expected "case" or "mixed", found both'],
    [
      "http: httphost(casse)",
      "1:16 http httphost parameter: expected case, mixed, nospace, domcase or unixeol, " +
        'found "casse" (did you mean "case"?)',
    ],
    ["tls: ipid", "1:6 ipid: expected seq, group, random or zero in parentheses, found none"],
    ["tls: ipid(seq, zero)", '1:16 ipid: expected one scheme, found a second: "zero"'],
    ["tls: dup(2)", '1:10 tls dup parameter: expected x1..x20, found "2"'],
    ["tls: delay(0)", "1:12 delay: expected a whole number from 1 to 10000, found 0"],
    ["tls: delay(1, jitter=-1)", "1:22 jitter: expected a whole number from 0 to 10000, found -1"],
    ["tls: ttl(256)", "1:10 ttl: expected a whole number from 1 to 255, found 256"],
    ["tls: tos(256)", "1:10 tos: expected a whole number from 0 to 255, found 256"],
    ["tls: tos(1=2)", '1:12 1: expected no value, found "2"'],
  ])("%j", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});
