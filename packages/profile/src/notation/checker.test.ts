import { describe, expect, test } from "bun:test";
import { errorOf } from "../../test/strategy-error.ts";
import { parseStrategy } from "./checker.ts";
import { KINDS, type Kind } from "./kinds.ts";
import { techniquesOf } from "./techniques.ts";

const TECHNIQUES = (kind: Kind) => `${techniquesOf(kind).slice(0, -1).join(", ")} or ${techniquesOf(kind).at(-1)}`;
const TLS =
  "split, disorder, fake, seqovl, fakedsplit, hostfakesplit, rst, window, ipfrag, drop, ipid, dup, delay, ttl, tos, " +
  "tlsrec or oob";
const COLONS = '"tls:", "http:", "quic:", "dns:" or "syn:"';
const KIND_WORDS = "tls, http, quic, dns or syn";

describe("parseStrategy()", () => {
  test("reads every technique, parameter and point", () => {
    const text = "tls: fake(sni=www.example.org, ttl=4, badsum, x2) split(1, midsld+3, -2) disorder";
    expect(parseStrategy(text)).toEqual({
      clauses: [
        {
          kind: "tls",
          operations: [
            {
              technique: "fake",
              decoy: { content: "name", name: "www.example.org" },
              foolings: { ttl: 4, badsum: true },
              repeats: 2,
              after: false,
            },
            {
              technique: "split",
              points: [
                { marker: "absolute", offset: 1 },
                { marker: "midsld", offset: 3 },
                { marker: "absolute", offset: -2 },
              ],
            },
            { technique: "disorder" },
          ],
        },
      ],
    });
  });

  test.each([
    ["two blanks", "tls: split(1) disorder  http: split(2)"],
    ["one blank", "tls: split(1) disorder http: split(2)"],
    ["a newline", "tls: split(1) disorder\nhttp: split(2)"],
    ["a semicolon", "tls: split(1) disorder; http: split(2)"],
    ["semicolons everywhere", ";tls: split(1) disorder;;http: split(2);"],
    ["nothing after a parenthesis", "http:split(2)tls:split(1)disorder"],
    ["the other order and odd blanks", "\thttp :\r\n split ( 2 )\n\n tls: split\n(\n1 ) disorder \n"],
  ])("takes %s between clauses", (_, text) => {
    expect(parseStrategy(text)).toEqual(parseStrategy("tls: split(1) disorder  http: split(2)"));
  });

  test("takes pass for all kinds or for one", () => {
    const left = { clauses: KINDS.map((kind) => ({ kind, operations: [] })) };
    expect(parseStrategy(" pass ")).toEqual(left);
    expect(parseStrategy("syn: pass quic: pass http: pass tls: pass dns: pass")).toEqual(left);
    expect(parseStrategy("http: pass").clauses).toEqual([{ kind: "http", operations: [] }]);
  });

  test("gives a fake that names no decoy the default name, and names their one form", () => {
    expect(parseStrategy("tls: fake(ttl=1)")).toEqual(parseStrategy("tls: fake(sni=www.example.org, ttl=1, x1)"));
    expect(parseStrategy("http: fake(host=WWW.Example.ORG., badsum)")).toEqual(
      parseStrategy("http: fake(host=www.example.org, badsum)"),
    );
  });

  test("drops signs and offsets that say nothing", () => {
    expect(parseStrategy("tls: split(+1, host+0, endhost-0)")).toEqual(parseStrategy("tls: split(1, host, endhost)"));
  });

  test("freezes what it returns to the last leaf", () => {
    const [clause] = parseStrategy("tls: split(1)").clauses;
    const [operation] = clause?.operations ?? [];
    expect(operation?.technique === "split" && Object.isFrozen(operation.points[0])).toBeTrue();
    expect(Object.isFrozen(clause?.operations)).toBeTrue();
  });
});

describe("parseStrategy() names what is wrong with clauses", () => {
  test.each([
    ["", '1:1 strategy: expected clauses such as "tls: split(1)", or "pass", found nothing'],
    [" \n ; ", '1:1 strategy: expected clauses such as "tls: split(1)", or "pass", found nothing'],
    ["pass tls: split(1)", '1:6 strategy: expected nothing behind "pass", found "tls"'],
    ["pass pass", '1:6 strategy: expected nothing behind "pass", found "pass"'],
    ["pass()", "1:5 pass: expected no parentheses, found some"],
    ["split(1)", `1:1 strategy: expected ${COLONS} before the first technique, found "split"`],
    ["tls", `1:1 strategy: expected ${COLONS} before the first technique, found "tls"`],
    ["tls:", `1:5 tls clause: expected ${TLS.replace(" or ", ", ")} or pass, found nothing`],
    ["tls: http: split(1)", `1:5 tls clause: expected ${TLS.replace(" or ", ", ")} or pass, found nothing`],
    ["tsl: split(1)", `1:1 kind of message: expected ${KIND_WORDS}, found "tsl" (did you mean "tls"?)`],
    ["TLS: split(1)", `1:1 kind of message: expected ${KIND_WORDS}, found "TLS" (did you mean "tls"?)`],
    ["smtp: split(1)", `1:1 kind of message: expected ${KIND_WORDS}, found "smtp"`],
    [
      "tls: split(1)\ndiscord: fake(x6)",
      `2:1 kind of message: expected ${KIND_WORDS}, found "discord", which is not in this version`,
    ],
    ["dns: doh ttl(4)", '1:10 doh: expected nothing beside it, found "ttl"'],
    ["dns: fake(random) doh", '1:19 doh: expected nothing beside it, found "fake"'],
    ["dns: doh redirect(192.0.2.53)", '1:10 redirect: expected nothing beside it, found "doh"'],
    ["dns: doh(1)", "1:9 doh: expected no parentheses, found some"],
    ["tls: doh", `1:6 tls technique: expected ${TECHNIQUES("tls")}, found "doh", which is for dns`],
    ["dns: redirect", "1:6 redirect: expected an address in parentheses, found none"],
    ["dns: redirect(192.0.2.53, 192.0.2.54)", '1:27 redirect: expected one resolver, found a second: "192.0.2.54"'],
    ...["192.0.2.53:0", "192.0.2.53:65536", "192.0.2", "[2001:db8::53]", "dns.example.org", ":53"].map(
      (found) =>
        [
          `dns: redirect(${found})`,
          "1:15 redirect: expected an address and perhaps a port, as in 192.0.2.53:5353 or [2001:db8::53]:5353, " +
            `found "${found}"`,
        ] as const,
    ),
    ["tls: split(1)\n  tls: split(2)", '2:3 strategy: expected one clause of each kind, found "tls:" a second time'],
    ["tls: pass split(1)", '1:11 tls clause: expected nothing behind "pass", found "split"'],
    ["tls: pass(1)", "1:10 pass: expected no parentheses, found some"],
    ["tls: split(1); disorder", '1:24 strategy: expected ":" behind "disorder", found the end'],
    ["tls: split(1), disorder", '1:14 strategy: expected a technique or a clause, found ","'],
    [`tls: ${"split(1) ".repeat(9)}`, "1:78 tls clause: expected at most 8 techniques, found 9"],
    [`tls: ${"multidisorder(1) ".repeat(5)}`, "1:1 tls clause: expected at most 8 techniques, found 10"],
    ["tls: split(1, host, endhost) dup(x20)", "1:1 tls clause: expected at most 64 pieces and fakes, found 84"],
  ])("%j", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});

describe("parseStrategy() names what is wrong with techniques and points", () => {
  test.each([
    ["tls: spilt(1)", `1:6 tls technique: expected ${TLS}, found "spilt" (did you mean "split"?)`],
    [
      "http: split(1) dissorder",
      `1:16 http technique: expected ${TECHNIQUES("http")}, found "dissorder" (did you mean "disorder"?)`,
    ],
    [
      "tls: tlsrec(sni)",
      '1:13 tls marker: expected host, endhost, sld, midsld, endsld or sniext, found "sni" (did you mean "sniext"?)',
    ],
    ["tls: tlsrec", "1:6 tlsrec: expected 1 to 8 points in parentheses, found none"],
    ["tls: tlsrec(1) tlsrec(2)", "1:16 tls clause: expected one tlsrec, found a second"],
    ["http: tlsrec(1)", `1:7 http technique: expected ${TECHNIQUES("http")}, found "tlsrec", which is for tls`],
    ["tls: oob", "1:6 oob: expected a point in parentheses, found none"],
    ["tls: oob(1, 2)", '1:13 oob: expected one point, found a second: "2"'],
    ["tls: oob(1, octet=256)", "1:19 octet: expected a whole number from 0 to 255, found 256"],
    ["http: hostpad", "1:7 hostpad: expected a whole number from 16 to 16384 in parentheses, found none"],
    ["http: hostpad(8)", "1:15 hostpad: expected a whole number from 16 to 16384, found 8"],
    ["http: hostdot(1)", "1:14 hostdot: expected no parentheses, found some"],
    ["tls: wssize(1)", `1:6 tls technique: expected ${TLS}, found "wssize" (did you mean "syn: window(N, scale=N)"?)`],
    ["tls: mss(88)", `1:6 tls technique: expected ${TLS}, found "mss", which is for syn`],
    [
      "quic: multisplit(1)",
      `1:7 quic technique: expected ${TECHNIQUES("quic")}, found "multisplit", which is for tls or http`,
    ],
    ["tls: disorder", "1:6 disorder: expected a split before it, found none: one piece has no order"],
    ["tls: disorder split(1)", "1:6 disorder: expected a split before it, found none: one piece has no order"],
    ["tls: disorder()", "1:6 disorder: expected 1 to 8 points in parentheses, found none"],
    ["tls: multidisorder", "1:6 multidisorder: expected 1 to 8 points in parentheses, found none"],
    ["tls: seqovl(1, second)", "1:6 seqovl: expected a split before second, found none: one piece has no second"],
    ["tls: ttl(3) ttl(4)", "1:13 tls clause: expected one ttl, found a second"],
    ["quic: drop ttl(4)", '1:12 drop: expected nothing beside it, found "ttl"'],
    ["quic: ttl(4) drop", '1:14 drop: expected nothing beside it, found "ttl"'],
    ["quic: drop drop", '1:12 drop: expected nothing beside it, found "drop"'],
    ["quic: drop(1)", "1:11 drop: expected no parentheses, found some"],
    ["tls: split disorder", "1:6 split: expected 1 to 8 points in parentheses, found none"],
    ["tls: split()", "1:6 split: expected 1 to 8 points in parentheses, found none"],
    ["tls: split(1,2,3,4,5,6,7,8,9)", "1:28 split: expected 1 to 8 points in parentheses, found 9"],
    ["tls: split(1 2)", '1:14 strategy: expected "," or ")" in split(…), found "2"'],
    ["tls: split(1", '1:13 strategy: expected "," or ")" in split(…), found the end'],
    ["tls: split(1,)", '1:14 strategy: expected a parameter of split, found ")"'],
    [
      "tls: split(1,\n  midlsd)",
      '2:3 tls marker: expected host, endhost, sld, midsld, endsld or sniext, found "midlsd" (did you mean "midsld"?)',
    ],
    [
      "tls: split(method+2)",
      '1:12 tls marker: expected host, endhost, sld, midsld, endsld or sniext, found "method", ' +
        "which tls messages do not have",
    ],
    [
      "http: split(sniext)",
      '1:13 http marker: expected method, host, endhost, sld, midsld or endsld, found "sniext", ' +
        "which http messages do not have",
    ],
    [
      "tls: split(host*2)",
      "1:12 split point: expected a whole number, or host, endhost, sld, midsld, endsld or sniext " +
        'with or without an offset, found "host*2"',
    ],
    [
      "tls: split(at=2)",
      "1:12 split point: expected a whole number, or host, endhost, sld, midsld, endsld or sniext " +
        'with or without an offset, found "at=2"',
    ],
    ["tls: split(0)", "1:12 split point: expected a number other than 0, found 0: nothing stands before it"],
    ["tls: split(-0)", "1:12 split point: expected a number other than 0, found 0: nothing stands before it"],
    ["tls: split(1, host, host+0)", "1:21 split: expected every point once, found host a second time"],
    ["tls: split(host+32768)", "1:16 offset: expected -32768 to 32767, found +32768"],
    ["tls: split(-32769)", "1:12 offset: expected -32768 to 32767, found -32769"],
  ])("%j", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});

describe("parseStrategy() knows techniques by their other names", () => {
  test.each([
    ["tls: multisplit(1, midsld)", "tls: split(1, midsld)"],
    ["tls: multidisorder(1, midsld)", "tls: split(1, midsld) disorder"],
    ["http: disorder(method+2)", "http: split(method+2) disorder"],
    ["tls: fakeddisorder(midsld, ttl=4)", "tls: fakedsplit(midsld, ttl=4) disorder"],
  ])("%s is %s", (text, same) => {
    expect(parseStrategy(text)).toEqual(parseStrategy(same));
  });
});
