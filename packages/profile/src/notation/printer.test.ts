import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { anyStrategy } from "../../test/arbitraries.ts";
import { parseStrategy } from "./checker.ts";
import { printStrategy } from "./printer.ts";

describe("printStrategy()", () => {
  test.each([
    ["tls:split(1,midsld)disorder", "tls: split(1, midsld) disorder"],
    ["http: split(method+2)\ntls: split(-4)", "tls: split(-4)  http: split(method+2)"],
    ["tls: fake(x3, badsum, ttl=07)", "tls: fake(sni=www.example.org, ttl=7, badsum, x3)"],
    ["http: fake(zeros, ttl=1, x1)", "http: fake(zeros, ttl=1)"],
    ["tls: pass http: split(1)", "tls: pass  http: split(1)"],
    ["tls: pass; http: pass", "pass"],
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
          .replace(/ {2}(?=http:)/, () => `${blank()};${blank()}`)
          .replace(/(?<=[(,])|(?=[),])/g, blank)
          .replace(/ /g, blank);
        expect(printStrategy(parseStrategy(loose))).toBe(canonical);
      }),
    );
  });

  test("no text at all makes parseStrategy fail with anything but a strategy error", () => {
    const anyPiece = fc.constantFrom(
      ..."tls http pass split disorder fake sni ttl badsum zeros x2 4 -1 midsld method+1 a.org quic".split(" "),
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
