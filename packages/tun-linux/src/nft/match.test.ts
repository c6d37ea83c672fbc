import { describe, expect, test } from "bun:test";
import { bitwise, equals, loadPayload, PayloadBase } from "./expression.ts";
import { carries, goesTo, leavesByNone, markHas } from "./match.ts";
import { newRule } from "./message.ts";

function hex(rule: Parameters<typeof newRule>[2]): string {
  return newRule("t", "c", rule).toBytes(1).toHex();
}

describe("goesTo()", () => {
  test.each([
    [0, "00000000", "00000000"],
    [1, "80000000", "80000000"],
    [12, "fff00000", "cbf00000"],
    [20, "fffff000", "cbfff000"],
    [32, "ffffffff", "cbffffff"],
  ])("compares the first %p bits", (prefixLength, mask, value) => {
    const octets = hex(goesTo(4, Uint8Array.of(0xcb, 0xff, 0xff, 0xff), prefixLength));
    // The bitwise expression's mask attribute, then the last compared value.
    expect(octets).toContain(`0c00048008000100${mask}`);
    expect(octets).toEndWith(`08000100${value}`);
  });

  test("looks at the destination of the family's header", () => {
    const address = new Uint8Array(16).fill(0xff);
    expect(hex(goesTo(6, address, 127))).toContain("0800020000000001" + "0800030000000018" + "0800040000000010");
    expect(hex(goesTo(4, address.subarray(0, 4), 31))).toContain(
      "0800020000000001" + "0800030000000010" + "0800040000000004",
    );
  });

  test.each([-1, 33, 1.5])("refuses the prefix length %p", (prefixLength) => {
    expect(() => goesTo(4, new Uint8Array(4), prefixLength)).toThrow("prefix length: expected 0…32");
  });

  test("refuses an address of the other family", () => {
    expect(() => goesTo(6, new Uint8Array(4), 8)).toThrow("IPv6 address: expected 16 octets, found 4");
  });
});

describe("leavesByNone()", () => {
  test("compares names with all sixteen octets, so that no name matches by its beginning", () => {
    expect(hex(leavesByNone(["eth0"]))).toEndWith("14000100" + "65746830" + "00".repeat(12));
  });

  test("refuses names that no interface can have", () => {
    expect(() => leavesByNone(["x".repeat(16)])).toThrow("expected 1…15 octets");
    expect(() => leavesByNone([""])).toThrow("expected 1…15 octets");
  });
});

describe("expressions", () => {
  test("markHas() masks before it compares, in the machine's byte order", () => {
    const octets = hex(markHas(0x4000));
    expect(octets).toContain("0c0004800800010000400000" + "0c0005800800010000000000");
    expect(octets).toEndWith("0800010000400000");
  });

  test("refuse what does not fit the register", () => {
    expect(() => loadPayload(PayloadBase.Inner, 0, 17)).toThrow("expected 1…16 octets, found 17");
    expect(() => equals(new Uint8Array(0))).toThrow("found 0");
    expect(() => carries(0, new Uint8Array(17))).toThrow("found 17");
    expect(() => bitwise(new Uint8Array(4), new Uint8Array(2))).toThrow("one length, found 4 and 2");
  });
});
