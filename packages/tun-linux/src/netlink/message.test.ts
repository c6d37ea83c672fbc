import { describe, expect, test } from "bun:test";
import { NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST } from "./constants.ts";
import { NetlinkMessage, parseAttributeList, parseAttributes, parseMessages } from "./message.ts";

const HEADER = Uint8Array.of(2, 0, 0, 0);

describe("NetlinkMessage", () => {
  test("toBytes() writes header, family header and padded attributes as linux/netlink.h lays them out", () => {
    const message = new NetlinkMessage(24, NLM_F_CREATE, HEADER).u32(4, 7).string(3, "lo").u8(9, 1);
    const octets = [
      [44, 0, 0, 0, 24, 0, 0x05, 0x04, 0x39, 0x30, 0, 0, 0, 0, 0, 0],
      [2, 0, 0, 0],
      [8, 0, 4, 0, 7, 0, 0, 0],
      [7, 0, 3, 0, 0x6c, 0x6f, 0, 0],
      [5, 0, 9, 0, 1, 0, 0, 0],
    ];
    expect(message.toBytes(12345, NLM_F_ACK)).toEqual(Uint8Array.from(octets.flat()));
    expect(NLM_F_REQUEST).toBe(1);
  });

  test("numbers are little-endian unless asked otherwise", () => {
    const message = new NetlinkMessage(1, 0, new Uint8Array(0))
      .u16(1, 0x1234)
      .u16(2, 0x1234, { bigEndian: true })
      .u32(3, 0x12345678)
      .be32(4, 0x12345678)
      .u64(5, 0x0123456789abcdefn)
      .be64(6, 0x0123456789abcdefn)
      .flag(7);
    const attributes = parseAttributes(message.toBytes(1).subarray(16));
    const hex = [...attributes].map(([type, value]) => `${type}=${Buffer.from(value).toString("hex")}`);
    expect(hex).toEqual([
      "1=3412",
      "2=1234",
      "3=78563412",
      "4=12345678",
      "5=efcdab8967452301",
      "6=0123456789abcdef",
      "7=",
    ]);
  });

  test("nested() sets NLA_F_NESTED, and parseAttributes() masks it off", () => {
    const message = new NetlinkMessage(1, 0, new Uint8Array(0)).nested(18, (inner) => void inner.string(1, "veth"));
    const octets = message.toBytes(1).subarray(16);
    expect(octets.slice(0, 4)).toEqual(Uint8Array.of(16, 0, 18, 0x80));
    const info = parseAttributes(octets).get(18) ?? new Uint8Array(0);
    expect(parseAttributes(info).get(1)).toEqual(new TextEncoder().encode("veth\0"));
  });

  test("attr() refuses a value that its length field cannot tell", () => {
    const message = new NetlinkMessage(1, 0, HEADER);
    expect(() => message.attr(1, new Uint8Array(65532))).toThrow("expected at most 65535 octets, found 65536");
    expect(message.attr(1, new Uint8Array(65531)).toBytes(1).length).toBe(16 + 4 + 65536);
  });
});

describe("parseMessages()", () => {
  test("reads what toBytes() wrote, several in one datagram", () => {
    const a = new NetlinkMessage(16, 0, Uint8Array.of(1, 2, 3)).toBytes(7);
    const b = new NetlinkMessage(17, 4, HEADER).toBytes(8);
    const messages = parseMessages(Uint8Array.of(...a, ...b));
    expect(messages.map(({ type, flags, sequence, port }) => [type, flags, sequence, port])).toEqual([
      [16, 1, 7, 0],
      [17, 5, 8, 0],
    ]);
    expect(messages[0]?.payload).toEqual(Uint8Array.of(1, 2, 3, 0));
    expect(messages[1]?.payload).toEqual(HEADER);
  });

  test.each([
    ["shorter than a header", [15, 0, 0, 0]],
    ["longer than the datagram", [21, 0, 0, 0]],
    ["zero", [0, 0, 0, 0]],
  ])("stops at a length that is %s", (_, length) => {
    expect(parseMessages(Uint8Array.of(...length, ...new Uint8Array(16)))).toEqual([]);
  });
});

describe("parseAttributeList()", () => {
  test("keeps the order and what stands twice; parseAttributes() keeps the last", () => {
    const octets = new NetlinkMessage(0, 0, new Uint8Array(0)).u8(1, 5).u8(2, 6).u8(1, 7).toBytes(1).subarray(16);
    expect(parseAttributeList(octets).map(({ type, value }) => [type, value[0]])).toEqual([
      [1, 5],
      [2, 6],
      [1, 7],
    ]);
    expect(parseAttributes(octets).get(1)).toEqual(Uint8Array.of(7));
  });

  test.each([
    ["shorter than its header", [3, 0, 1, 0]],
    ["longer than the octets", [9, 0, 1, 0, 0, 0, 0, 0]],
  ])("stops at an attribute that is %s", (_, octets) => {
    expect(parseAttributeList(Uint8Array.from(octets))).toEqual([]);
  });
});
