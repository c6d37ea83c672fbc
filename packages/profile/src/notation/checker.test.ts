import { describe, expect, test } from "bun:test";
import { ProfileError } from "../errors.ts";
import { parseStrategy } from "./checker.ts";

/** The message and place of the error that a text gives. */
function errorOf(text: string): string {
  try {
    parseStrategy(text);
  } catch (error) {
    if (!(error instanceof ProfileError)) throw error;
    expect(error.code).toBe("E_STRATEGY");
    expect(error.message).toBe(`strategy:${error.line}:${error.column}: ${error.problems[0].message}`);
    return `${error.line}:${error.column} ${error.problems[0].message}`;
  }
  return "no error";
}

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
              ttl: 4,
              badsum: true,
              repeats: 2,
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
    const left = {
      clauses: [
        { kind: "tls" as const, operations: [] },
        { kind: "http" as const, operations: [] },
      ],
    };
    expect(parseStrategy(" pass ")).toEqual(left);
    expect(parseStrategy("http: pass tls: pass")).toEqual(left);
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
    ["split(1)", '1:1 strategy: expected "tls:" or "http:" before the first technique, found "split"'],
    ["tls", '1:1 strategy: expected "tls:" or "http:" before the first technique, found "tls"'],
    ["tls:", "1:5 tls clause: expected split, disorder, fake or pass, found nothing"],
    ["tls: http: split(1)", "1:5 tls clause: expected split, disorder, fake or pass, found nothing"],
    ["tsl: split(1)", '1:1 kind of message: expected tls or http, found "tsl" (did you mean "tls"?)'],
    ["TLS: split(1)", '1:1 kind of message: expected tls or http, found "TLS" (did you mean "tls"?)'],
    ["smtp: split(1)", '1:1 kind of message: expected tls or http, found "smtp"'],
    [
      "tls: split(1)\nquic: fake(quic, x6)",
      '2:1 kind of message: expected tls or http, found "quic", which is not in this version',
    ],
    ["dns: doh", '1:1 kind of message: expected tls or http, found "dns", which is not in this version'],
    ["tls: split(1)\n  tls: split(2)", '2:3 strategy: expected one clause of each kind, found "tls:" a second time'],
    ["tls: pass split(1)", '1:11 tls clause: expected nothing behind "pass", found "split"'],
    ["tls: pass(1)", "1:10 pass: expected no parentheses, found some"],
    ["tls: split(1); disorder", '1:24 strategy: expected ":" behind "disorder", found the end'],
    ["tls: split(1), disorder", '1:14 strategy: expected a technique or a clause, found ","'],
    [`tls: ${"split(1) ".repeat(9)}`, "1:78 tls clause: expected at most 8 techniques, found 9"],
  ])("%j", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});

describe("parseStrategy() names what is wrong with techniques and points", () => {
  test.each([
    ["tls: spilt(1)", '1:6 tls technique: expected split, disorder or fake, found "spilt" (did you mean "split"?)'],
    [
      "http: split(1) dissorder",
      '1:16 http technique: expected split, disorder or fake, found "dissorder" (did you mean "disorder"?)',
    ],
    [
      "tls: seqovl(1)",
      '1:6 tls technique: expected split, disorder or fake, found "seqovl", which is not in this version',
    ],
    ["tls: disorder", "1:6 disorder: expected a split before it, found none: one piece has no order"],
    ["tls: disorder split(1)", "1:6 disorder: expected a split before it, found none: one piece has no order"],
    ["tls: split(1) disorder(2)", "1:23 disorder: expected no parentheses, found some"],
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

describe("parseStrategy() names what is wrong with fakes", () => {
  const parameters = "expected sni=name, zeros, ttl=1..255, badsum or x1..x20, found";
  const spoiled =
    "1:6 fake: expected a fooling, ttl=1..255 or badsum, found none: " +
    "the server would read a fake that nothing spoils";
  test.each([
    ["tls: fake", spoiled],
    ["tls: fake()", spoiled],
    ["tls: fake(sni=www.example.org, x3)", spoiled],
    ["tls: fake(tl=4)", `1:11 tls fake parameter: ${parameters} "tl" (did you mean "ttl"?)`],
    ["tls: fake(badsun)", `1:11 tls fake parameter: ${parameters} "badsun" (did you mean "badsum"?)`],
    ["tls: fake(ttl=4, host=a.example.org)", `1:18 tls fake parameter: ${parameters} "host" (did you mean "sni"?)`],
    ["tls: fake(md5sig)", `1:11 tls fake parameter: ${parameters} "md5sig", which is not in this version`],
    ["tls: fake(x)", `1:11 tls fake parameter: ${parameters} "x"`],
    [
      "http: fake(sni=a.example.org, badsum)",
      "1:12 http fake parameter: expected host=name, zeros, ttl=1..255, badsum or x1..x20, " +
        'found "sni" (did you mean "host"?)',
    ],
    ["tls: fake(ttl)", "1:11 ttl: expected a whole number from 1 to 255, found nothing"],
    ["tls: fake(ttl=0)", "1:15 ttl: expected a whole number from 1 to 255, found 0"],
    ["tls: fake(ttl=256)", "1:15 ttl: expected a whole number from 1 to 255, found 256"],
    ["tls: fake(ttl=-1)", "1:15 ttl: expected a whole number from 1 to 255, found -1"],
    ["tls: fake(ttl=auto-1)", '1:15 ttl: expected a whole number from 1 to 255, found "auto-1"'],
    ["tls: fake(ttl=)", '1:15 strategy: expected a value behind "ttl=", found ")"'],
    ["tls: fake(badsum, x0)", "1:19 repeats: expected a whole number from 1 to 20, found 0"],
    ["tls: fake(badsum, x21)", "1:19 repeats: expected a whole number from 1 to 20, found 21"],
    ["tls: fake(badsum, x2=3)", '1:22 x2: expected no value, found "3"'],
    ["tls: fake(badsum=1)", '1:18 badsum: expected no value, found "1"'],
    ["tls: fake(zeros=1)", '1:17 zeros: expected no value, found "1"'],
    ["tls: fake(badsum, badsum)", '1:19 fake: expected one badsum, found a second: "badsum"'],
    ["tls: fake(ttl=1, ttl=2)", '1:18 fake: expected one ttl, found a second: "ttl"'],
    ["tls: fake(ttl=1, x2, x2)", '1:22 fake: expected one xN, found a second: "x2"'],
    ["tls: fake(zeros, sni=a.example.org, badsum)", '1:18 fake: expected one decoy, found a second: "sni"'],
    ["tls: fake(sni, badsum)", '1:11 sni: expected "=" and a host name, found none'],
    ["tls: fake(sni=192.0.2.1, badsum)", '1:15 sni: expected a host name, found "192.0.2.1", which is an address'],
    ["tls: fake(sni=a..org, badsum)", '1:15 sni: expected a host name, found "a..org", with nothing between two dots'],
    ["tls: fake(sni=a.org:443)", '1:20 strategy: expected "," or ")" in fake(…), found ":"'],
  ])("%j", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});
