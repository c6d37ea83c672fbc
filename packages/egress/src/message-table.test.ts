import { describe, expect, test } from "bun:test";
import { packet4, packet6 } from "../test/packets.ts";
import { IPV4, IPV6, MessageTable, tableBytes } from "./message-table.ts";

const BASE = 0x7fff_ffff_f000;
const AT = 64;
const PACKET_AT = 1001;

function memoryWith(packet: Uint8Array): Uint8Array {
  const memory = new Uint8Array(2048).fill(0xaa);
  memory.set(packet, PACKET_AT);
  return memory;
}

function hex(octets: Uint8Array, at: number, bytes: number): string {
  return octets.subarray(at, at + bytes).toHex();
}

describe("MessageTable", () => {
  test("lays IPv4 messages out as struct mmsghdr, iovec and sockaddr_in", () => {
    const memory = memoryWith(packet4(new Uint8Array(5)));
    const table = new MessageTable(new DataView(memory.buffer), BASE, AT, IPV4, 2);
    table.put(1, PACKET_AT, 25);
    // 64 + 2 × 64 = 192: iovecs; 192 + 2 × 16 = 224: addresses.
    expect(table.pointer(1)).toBe(BASE + 128);
    expect(hex(memory, 128, 64)).toBe(
      "f0f0ffffff7f0000" + // name: BASE + 224 + 16
        "1000000000000000" + // namelen 16
        "d0f0ffffff7f0000" + // iov: BASE + 192 + 16
        "0100000000000000" + // iovlen 1
        "00".repeat(32), // control, flags, len
    );
    expect(hex(memory, 208, 16)).toBe("e9f3ffffff7f00001900000000000000"); // BASE + 1001, 25
    expect(hex(memory, 240, 16)).toBe("02000000cb0071020000000000000000"); // AF_INET, 203.0.113.2
    expect(tableBytes(IPV4, 2)).toBe(256 - AT);
  });

  test("lays IPv6 addresses out as struct sockaddr_in6", () => {
    const memory = memoryWith(packet6(new Uint8Array(5)));
    const table = new MessageTable(new DataView(memory.buffer), BASE, AT, IPV6, 1);
    table.put(0, PACKET_AT, 45);
    // 64 + 64 = 128: iovec; 128 + 16 = 144: address.
    expect(hex(memory, AT + 8, 4)).toBe("1c000000"); // namelen 28
    expect(hex(memory, 144, 32)).toBe(
      "0a00000000000000" + "20010db8000000000000000000000002" + "00000000" + "00000000",
    );
    expect(tableBytes(IPV6, 1)).toBe(112);
  });

  test("carries an address over the border of 4 GiB", () => {
    const memory = memoryWith(packet4(new Uint8Array(5)));
    const table = new MessageTable(new DataView(memory.buffer), 0x1_ffff_fff0, AT, IPV4, 1);
    table.put(0, PACKET_AT, 25);
    expect(hex(memory, 128, 8)).toBe("d903000002000000"); // 0x1_ffff_fff0 + 1001 = 0x2_0000_03d9
  });

  test("writes nothing past tableBytes()", () => {
    const memory = memoryWith(packet6(new Uint8Array(5)));
    const table = new MessageTable(new DataView(memory.buffer), BASE, AT, IPV6, 3);
    for (let index = 0; index < 3; index++) table.put(index, PACKET_AT, 45);
    expect(hex(memory, 0, AT)).toBe("aa".repeat(AT));
    expect(hex(memory, AT + tableBytes(IPV6, 3), 64)).toBe("aa".repeat(64));
  });
});
