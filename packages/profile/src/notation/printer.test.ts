import { describe, expect, setDefaultTimeout, test } from "bun:test";
import fc from "fast-check";
import { anyStrategy } from "../../test/arbitrary-strategy.ts";
import { parseStrategy } from "./checker.ts";
import { printStrategy } from "./printer.ts";

setDefaultTimeout(60_000);

describe("printStrategy()", () => {
  test.each([
    ["tls:split(1,midsld)disorder", "tls: split(1, midsld) disorder"],
    ["http: split(method+2)\ntls: split(-4)", "tls: split(-4)  http: split(method+2)"],
    ["tls: fake(x3, badsum, ttl=07)", "tls: fake(sni=www.example.org, ttl=7, badsum, x3)"],
    ["http: fake(zeros, ttl=1, x1)", "http: fake(zeros, ttl=1)"],
    ["tls: pass http: split(1)", "tls: pass  http: split(1)"],
    ["tls: pass; http: pass", "tls: pass  http: pass"],
    ["syn: pass; dns: pass; quic: pass; tls: pass; http: pass", "pass"],
    [
      "tls: fake(after, x2, dataofs, ts=-600000, datanoack, md5sig, badseq=-10000/-66000, badsum, " +
        "ttl=auto, ttl=3, sni=a.org)",
      "tls: fake(sni=a.org, ttl=3, ttl=auto-1, badsum, badseq, md5sig, datanoack, ts, dataofs, x2, after)",
    ],
    [
      "tls: fake(tls, ts=-70000, badseq=-10001/2, ttl=auto+0:3-30, padencap, dupsid, rndsni)",
      "tls: fake(tls, rndsni, dupsid, padencap, ttl=auto+0:3-30, badseq=-10001/2, ts=-70000)",
    ],
    ["tls: fake(badseq=-50000/-66000, file=a/b.bin)", "tls: fake(file=a/b.bin, badseq=-50000)"],
    ["tls: seqovl(05, pattern=hex:0AFF)", "tls: seqovl(5, pattern=hex:0aff)"],
    ["tls: seqovl(sni=a.org, pattern=tls, 5)", "tls: seqovl(5, pattern=tls, sni=a.org)"],
    ["tls: fakedsplit(pattern=zeros, ttl=1, host+0)", "tls: fakedsplit(host, ttl=1)"],
    ["tls: seqovl(host, host=a.org, pattern=http)", "tls: seqovl(host, pattern=http, host=a.org)"],
    ["quic: udplen(8) fake", "quic: udplen(+8) fake(quic, sni=www.example.org)"],
    ["http: httphost(unixeol, domcase) dup(x1)", "http: httphost(domcase, unixeol) dup"],
    ["syn: window(scale=2, 1) syndata synack()", "syn: window(1, scale=2) syndata(zeros) synack"],
    ["tls: pass", "tls: pass"],
  ])("prints %j in canonical form", (text, canonical) => {
    expect(printStrategy(parseStrategy(text))).toBe(canonical);
    expect(printStrategy(parseStrategy(canonical))).toBe(canonical);
  });

  test("what it prints, parseStrategy reads back to an equal strategy", () => {
    fc.assert(
      fc.property(anyStrategy, (strategy) => {
        expect(parseStrategy(printStrategy(strategy))).toEqual(strategy);
      }),
      { numRuns: 500 },
    );
  });

  test("blanks, newlines and semicolons in the text change nothing in print", () => {
    const anyBlank = fc.constantFrom(" ", "  ", "\n", "\r\n", "\t", " \n ");
    fc.assert(
      fc.property(anyStrategy, fc.array(anyBlank, { minLength: 4, maxLength: 20 }), (strategy, blanks) => {
        const canonical = printStrategy(strategy);
        let next = 0;
        const blank = () => blanks[next++ % blanks.length] ?? " ";
        const loose = canonical
          .replace(/ {2}(?=\w+:)/g, () => `${blank()};${blank()}`)
          .replace(/(?<=[(,])|(?=[),])/g, blank)
          .replace(/ /g, blank);
        expect(printStrategy(parseStrategy(loose))).toBe(canonical);
      }),
    );
  });

  test("no text at all makes parseStrategy fail with anything but a strategy error", () => {
    const anyPiece = fc.constantFrom(
      ..."tls http pass split disorder fake sni ttl badsum zeros x2 4 -1 midsld method+1 a.org quic".split(" "),
      ..."syn dns seqovl fakedsplit hostfakesplit drop window ipfrag auto-1:3-20 ts pattern second after".split(" "),
      ...["(", ")", ",", "=", ":", ";", " ", "\n", "é", "\u0000", "=="],
    );
    fc.assert(
      fc.property(fc.array(anyPiece, { maxLength: 25 }), (pieces) => {
        const text = pieces.join("");
        try {
          expect(parseStrategy(printStrategy(parseStrategy(text)))).toEqual(parseStrategy(text));
        } catch (error) {
          expect(error).toHaveProperty("code", "E_STRATEGY");
          expect(error).toHaveProperty("line");
        }
      }),
      { numRuns: 2000 },
    );
  });
});
