import { describe, expect, test } from "bun:test";
import { errorOf } from "../../test/strategy-error.ts";
import { parseStrategy } from "./checker.ts";
import type { Operation } from "./strategy.ts";

/** The first operation of a text. */
function operationOf(text: string): Operation | undefined {
  return parseStrategy(text).clauses[0]?.operations[0];
}

const SPOILT = "ttl, badsum, badseq, md5sig, datanoack, ts or dataofs";

describe("parseStrategy() reads foolings", () => {
  test("all of them, each with its numbers", () => {
    const text = "ttl=4, ttl=auto+2:5-30, badsum, badseq=-20000/-5, md5sig, datanoack, ts=-10000, dataofs";
    expect(operationOf(`tls: fake(${text})`)).toMatchObject({
      foolings: {
        ttl: 4,
        autoTtl: { delta: 2, min: 5, max: 30 },
        badsum: true,
        badseq: { seq: -20_000, ack: -5 },
        md5sig: true,
        datanoack: true,
        ts: -10_000,
        dataofs: true,
      },
    });
  });

  test("numbers left out are those that users of other tools know", () => {
    expect(operationOf("tls: fake(ttl=auto, badseq, ts)")).toMatchObject({
      foolings: { autoTtl: { delta: -1, min: 3, max: 20 }, badseq: { seq: -10_000, ack: -66_000 }, ts: -600_000 },
    });
    expect(operationOf("tls: fake(badseq=-30000, ttl=auto-4)")).toMatchObject({
      foolings: { autoTtl: { delta: -4, min: 3, max: 20 }, badseq: { seq: -30_000, ack: -66_000 } },
    });
  });

  test.each(["fake(", "fakedsplit(1, ", "hostfakesplit(", "rst("])(
    "what lies in the window is refused whatever it acknowledges: %s",
    (opened) => {
      for (const ack of [-66_000, -0x4000_0000, -0x7fff_ffff, 0x7fff_ffff]) {
        expect(() => operationOf(`tls: ${opened}badseq=0/${ack})`)).toThrow("the server would keep");
      }
      expect(operationOf(`tls: ${opened}badseq=-10000/0)`)).toMatchObject({
        foolings: { badseq: { seq: -10_000, ack: 0 } },
      });
    },
  );

  test.each([
    [
      "tls: fake",
      `1:6 fake: expected a fooling, ${SPOILT}, found none: the server would read a fake that nothing spoils`,
    ],
    [
      "tls: fakedsplit(1)",
      `1:6 fakedsplit: expected a fooling, ${SPOILT}, found none: the server would read a fake that nothing spoils`,
    ],
    [
      "tls: hostfakesplit()",
      `1:6 hostfakesplit: expected a fooling, ${SPOILT}, found none: the server would read a fake that nothing spoils`,
    ],
    [
      "http: rst(ack)",
      "1:7 rst: expected a fooling, ttl, badsum, badseq or md5sig, found none: the server would end the connection",
    ],
    ["tls: fake(ttl)", "1:11 ttl: expected a whole number from 1 to 255, found nothing"],
    ["tls: fake(ttl=0)", "1:15 ttl: expected a whole number from 1 to 255, found 0"],
    ["tls: fake(ttl=256)", "1:15 ttl: expected a whole number from 1 to 255, found 256"],
    ["tls: fake(ttl=-1)", "1:15 ttl: expected a whole number from 1 to 255, found -1"],
    ["tls: fake(ttl=)", '1:15 strategy: expected a value behind "ttl=", found ")"'],
    ["tls: fake(ttl=1, ttl=2)", '1:18 fake: expected one ttl, found a second: "ttl"'],
    ["tls: fake(ttl=auto, ttl=auto-1)", '1:21 fake: expected one ttl=auto, found a second: "ttl"'],
    [
      "tls: fake(ttl=autto)",
      '1:15 ttl: expected a whole number from 1 to 255, or auto as in auto-1:3-20, found "autto"',
    ],
    ["tls: fake(ttl=auto-200)", "1:19 ttl: expected a whole number from -128 to 127, found -200"],
    ["tls: fake(ttl=auto-1:0-20)", "1:15 least ttl: expected a whole number from 1 to 255, found 0"],
    ["tls: fake(ttl=auto-1:3-256)", "1:15 most ttl: expected a whole number from 1 to 255, found 256"],
    ["tls: fake(ttl=auto-1:20-3)", "1:15 ttl: expected the least, then the most, found 20-3"],
    ["quic: fake(ttl=auto)", '1:16 ttl: expected a whole number from 1 to 255, found "auto"'],
    ["tls: fake(badseq=x)", '1:18 badseq: expected a whole number from -2147483648 to 2147483647, found "x"'],
    [
      "tls: fake(badseq=-10000/2147483648)",
      "1:25 badseq: expected a whole number from -2147483648 to 2147483647, found 2147483648",
    ],
    ...["2", "-9999", "1000/-66000", "0/0", "-2147483648"].map((number) => [
      `tls: fake(badseq=${number})`,
      `1:18 badseq: expected a number from -1073741824 to -10000, found ${number.split("/")[0]}: ` +
        "the server would keep what lies in its window",
    ]),
    ...["5", "-1", "-100", "-9999", "-2147483648"].map((number) => [
      `tls: fake(ts=${number})`,
      `1:14 ts: expected a number from -2000000000 to -10000, found ${number}: ` +
        "the server would take a stamp that is hardly older",
    ]),
    ["tls: fake(badsum=1)", '1:18 badsum: expected no value, found "1"'],
    ["tls: fake(badsum, badsum)", '1:19 fake: expected one badsum, found a second: "badsum"'],
    ["tls: fake(badsum, x0)", "1:19 repeats: expected a whole number from 1 to 20, found 0"],
    ["tls: fake(badsum, x21)", "1:19 repeats: expected a whole number from 1 to 20, found 21"],
    ["tls: fake(badsum, x2=3)", '1:22 x2: expected no value, found "3"'],
    ["tls: fake(ttl=1, x2, x2)", '1:22 fake: expected one xN, found a second: "x2"'],
    [
      "tls: rst(ts)",
      "1:10 tls rst parameter: expected ack, ttl=1..255, ttl=auto-1:3-20, badsum, badseq=seq/ack, md5sig, " +
        'x1..x20 or after, found "ts"',
    ],
    [
      "syn: synack(badseq)",
      "1:13 syn synack parameter: expected ttl=1..255, badsum, md5sig or x1..x20, " +
        'found "badseq" (did you mean "badsum"?)',
    ],
    [
      "quic: fake(md5sig)",
      "1:12 quic fake parameter: expected sni=name, host=name, zeros, random, tls, http, quic, stun, " +
        'file=payload, ttl=1..255, badsum, x1..x20 or after, found "md5sig"',
    ],
  ])("%j", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});

describe("parseStrategy() reads decoys", () => {
  const changes = { rndsni: false, dupsid: false, padencap: false };
  test.each<[string, Operation extends infer One ? (One extends { decoy: infer Decoy } ? Decoy : never) : never]>([
    ["tls: fake(ttl=1)", { content: "name", name: "www.example.org" }],
    ["tls: fake(sni=A.example.org., ttl=1)", { content: "name", name: "a.example.org" }],
    ["tls: fake(rndsni, ttl=1)", { content: "random name" }],
    ["http: fake(host=a.example.org, ttl=1)", { content: "name", name: "a.example.org" }],
    ["http: fake(zeros, ttl=1)", { content: "zeros" }],
    ["http: fake(random, ttl=1)", { content: "random" }],
    ["tls: fake(tls, ttl=1)", { content: "payload", payload: { source: "tls", name: "www.example.org" }, ...changes }],
    [
      "tls: fake(sni=a.example.org, tls, ttl=1)",
      { content: "payload", payload: { source: "tls", name: "a.example.org" }, ...changes },
    ],
    [
      "tls: fake(http, host=a.example.org, ttl=1)",
      { content: "payload", payload: { source: "http", name: "a.example.org" }, ...changes },
    ],
    ["tls: fake(stun, ttl=1)", { content: "payload", payload: { source: "stun" }, ...changes }],
    ["tls: fake(file=Hello, ttl=1)", { content: "payload", payload: { source: "named", name: "Hello" }, ...changes }],
    ["tls: fake(file=hex:16FF, ttl=1)", { content: "payload", payload: { source: "octets", hex: "16ff" }, ...changes }],
    [
      "tls: fake(tls, rndsni, padencap, ttl=1)",
      {
        content: "payload",
        payload: { source: "tls", name: "www.example.org" },
        rndsni: true,
        dupsid: false,
        padencap: true,
      },
    ],
    ["quic: fake", { content: "payload", payload: { source: "quic", name: "www.example.org" }, ...changes }],
    [
      "quic: fake(sni=a.example.org)",
      { content: "payload", payload: { source: "quic", name: "a.example.org" }, ...changes },
    ],
    ["dns: fake", { content: "zeros" }],
  ])("%s", (text, decoy) => {
    const operation = operationOf(text);
    expect(operation?.technique === "fake" && operation.decoy).toEqual(decoy);
  });

  const tls =
    "expected sni=name, host=name, zeros, random, tls, http, quic, stun, file=payload, rndsni, dupsid, padencap, " +
    "ttl=1..255, ttl=auto-1:3-20, badsum, badseq=seq/ack, md5sig, datanoack, ts=-600000, dataofs, x1..x20 or after";
  test.each([
    ["tls: fake(tttl=4)", `1:11 tls fake parameter: ${tls}, found "tttl" (did you mean "ttl"?)`],
    ["tls: fake(badsun)", `1:11 tls fake parameter: ${tls}, found "badsun" (did you mean "badsum"?)`],
    ["tls: fake(x)", `1:11 tls fake parameter: ${tls}, found "x"`],
    ["tls: fake(rnd)", `1:11 tls fake parameter: ${tls}, found "rnd" (did you mean "random"?)`],
    ["tls: fake(repeats=6)", `1:11 tls fake parameter: ${tls}, found "repeats" (did you mean "x6"?)`],
    ["tls: fake(autottl)", `1:11 tls fake parameter: ${tls}, found "autottl" (did you mean "ttl=auto-1"?)`],
    ["tls: fake(badack)", `1:11 tls fake parameter: ${tls}, found "badack" (did you mean "badseq=-10000/-66000"?)`],
    [
      "dns: fake(autottl)",
      "1:11 dns fake parameter: expected sni=name, host=name, zeros, random, tls, http, quic, stun, file=payload, " +
        'ttl=1..255, badsum, x1..x20 or after, found "autottl"',
    ],
    ["tls: fake(ttl=4, host=a.example.org)", '1:18 host: expected http beside it, found none (did you mean "sni"?)'],
    [
      "http: fake(sni=a.example.org, badsum)",
      '1:12 sni: expected tls or quic beside it, found none (did you mean "host"?)',
    ],
    [
      "tls: fake(http, sni=a.example.org, ttl=1)",
      '1:17 sni: expected tls or quic beside it, found none (did you mean "host"?)',
    ],
    ["tls: fake(stun, sni=a.example.org, ttl=1)", "1:17 sni: expected tls or quic beside it, found none"],
    ["dns: fake(sni=a.example.org)", "1:11 sni: expected tls or quic beside it, found none"],
    ["tls: fake(zeros=1)", '1:17 zeros: expected no value, found "1"'],
    ["tls: fake(zeros, random, badsum)", '1:18 fake: expected one decoy, found a second: "random"'],
    ["tls: fake(zeros, file=a, badsum)", '1:18 fake: expected one decoy, found a second: "file"'],
    ["tls: fake(zeros, sni=a.example.org, badsum)", '1:18 fake: expected one decoy, found a second: "sni"'],
    ["tls: fake(sni, badsum)", '1:11 sni: expected "=" and a host name, found none'],
    ["tls: fake(sni=192.0.2.1, badsum)", '1:15 sni: expected a host name, found "192.0.2.1", which is an address'],
    ["tls: fake(sni=a..org, badsum)", '1:15 sni: expected a host name, found "a..org", with nothing between two dots'],
    [
      "tls: fake(sni=a.org:443, badsum)",
      '1:15 sni: expected a host name, found "a.org:443", but ports stand in the rule\'s ports: write "a.org"',
    ],
    ["tls: fake(sni=a.org, rndsni, badsum)", "1:11 fake: expected sni=name or rndsni, found both"],
    ["tls: fake(tls, sni=a.org, rndsni, badsum)", "1:16 fake: expected sni=name or rndsni, found both"],
    ["tls: fake(dupsid, badsum)", "1:11 dupsid: expected a TLS hello, tls or file=payload, beside it, found none"],
    [
      "tls: fake(zeros, padencap, badsum)",
      "1:18 padencap: expected a TLS hello, tls or file=payload, beside it, found none",
    ],
    [
      "tls: fake(quic, rndsni, badsum)",
      "1:17 rndsni: expected a TLS hello, tls or file=payload, beside it, found none",
    ],
    ["tls: fake(file, badsum)", '1:11 file: expected "=" and a payload\'s name, found none'],
    ["tls: fake(file=tls, badsum)", '1:16 file: expected a payload\'s name, found "tls", which has a meaning'],
    ["tls: fake(file=hex:123, badsum)", '1:16 file: expected pairs of hexadecimal digits behind "hex:", found "123"'],
    [
      "tls: fake(file=hex:, badsum)",
      '1:16 file: expected pairs of hexadecimal digits behind "hex:", found an empty text',
    ],
    [`tls: fake(file=hex:${"00".repeat(16385)}, badsum)`, "1:16 file: expected at most 16384 octets, found 16385"],
    [
      "syn: syndata(random)",
      "1:14 syn syndata parameter: expected sni=name, host=name, zeros, tls, http, quic, stun or file=payload, " +
        'found "random"',
    ],
    ["syn: syndata(sni=a.org)", "1:14 sni: expected tls or quic beside it, found none"],
    ["syn: syndata(zeros, host=a.org)", "1:21 host: expected http beside it, found none"],
  ])("%j", (text, message) => {
    expect(errorOf(text)).toBe(message);
  });
});
