import { describe, expect, test } from "bun:test";
import { Struct } from "./struct.ts";

const ALL = new Struct("all", 48, {
  name: { at: 0, type: "text", bytes: 8 },
  u8: { at: 8, type: "u8" },
  i8: { at: 9, type: "i8" },
  u16: { at: 10, type: "u16" },
  i16: { at: 12, type: "i16" },
  be16: { at: 14, type: "be16" },
  u32: { at: 16, type: "u32" },
  i32: { at: 20, type: "i32" },
  be32: { at: 24, type: "be32" },
  u64: { at: 28, type: "u64" },
  i64: { at: 36, type: "i64" },
  octets: { at: 44, type: "octets", bytes: 3 },
});

const VALUES = {
  name: "tun0",
  u8: 0xff,
  i8: -2,
  u16: 0x1234,
  i16: -3,
  be16: 0x1234,
  u32: 0xfedcba98,
  i32: -4,
  be32: 0xfedcba98,
  u64: 0xfedcba9876543210n,
  i64: -5n,
  octets: Uint8Array.of(1, 2, 3),
};

describe("Struct", () => {
  test("encode() puts every type where the layout says", () => {
    const hex = Buffer.from(ALL.encode(VALUES)).toString("hex");
    expect(hex).toBe(
      "74756e3000000000" +
        "ff" +
        "fe" +
        "3412" +
        "fdff" +
        "1234" +
        "98badcfe" +
        "fcffffff" +
        "fedcba98" +
        "1032547698badcfe" +
        "fbffffffffffffff" +
        "010203" +
        "00",
    );
  });

  test("decode() gives back what encode() was given", () => {
    expect(ALL.decode(ALL.encode(VALUES))).toEqual(VALUES);
  });

  test("encode() leaves zero what is not given", () => {
    expect(ALL.encode({})).toEqual(new Uint8Array(48));
    expect(ALL.encode({ u8: 1 }).filter((octet) => octet !== 0)).toEqual(Uint8Array.of(1));
  });

  test.each([
    ["u8", { u8: 256 }, "all.u8: expected a number of type u8, found 256"],
    ["u8", { u8: -1 }, "all.u8: expected a number of type u8, found -1"],
    ["i8", { i8: 128 }, "all.i8"],
    ["be16", { be16: 65536 }, "all.be16"],
    ["u32", { u32: 2 ** 32 }, "all.u32"],
    ["i64", { i64: 2n ** 63n }, "all.i64"],
    ["name", { name: "eight888" }, "all.name: expected at most 8 octets, found 9"],
    ["octets", { octets: new Uint8Array(4) }, "all.octets: expected at most 3 octets, found 4"],
  ])("encode() refuses what does not fit: %s", (_, values, message) => {
    expect(() => ALL.encode(values)).toThrow(message);
  });

  test("decode() refuses fewer octets than the struct has", () => {
    expect(() => ALL.decode(new Uint8Array(47))).toThrow("all: expected 48 octets, found 47");
  });

  test("a layout whose fields reach past the end is refused", () => {
    expect(() => new Struct("short", 4, { value: { at: 2, type: "u32" } })).toThrow(
      "short.value: ends at 6, the struct has 4",
    );
  });
});
