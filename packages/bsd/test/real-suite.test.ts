// What the suite on real systems leans on.
import { expect, test } from "bun:test";
import { echoReply } from "./real-suite.ts";

/** RFC 1071 over the octets. */
function sum(octets: Uint8Array): number {
  let total = 0;
  for (let i = 0; i < octets.length; i += 2) total += ((octets[i] ?? 0) << 8) + (octets[i + 1] ?? 0);
  while (total > 0xffff) total = (total & 0xffff) + (total >>> 16);
  return total;
}

test("echoReply() answers an IPv4 echo request with a checksum that holds", () => {
  const packet = new Uint8Array(28);
  packet.set([0x45, 0, 0, 28, 0, 1, 0, 0, 64, 1, 0, 0, 192, 0, 2, 1, 192, 0, 2, 77, 8, 0, 0, 0, 0x12, 0x34, 0, 1]);
  const checksum = ~sum(packet.subarray(20)) & 0xffff;
  packet.set([checksum >> 8, checksum & 0xff], 22);
  const reply = echoReply(packet);
  expect([...(reply?.subarray(12, 21) ?? [])]).toEqual([192, 0, 2, 77, 192, 0, 2, 1, 0]);
  expect(sum(reply?.subarray(20) ?? new Uint8Array(0))).toBe(0xffff);
});

test("echoReply() answers an IPv6 echo request, whose checksum the addresses' exchange does not change", () => {
  const packet = new Uint8Array(48);
  packet.set([0x60, 0, 0, 0, 0, 8, 58, 64, 0x20, 1, 0xd, 0xb8]);
  packet.set([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x77, 128, 0, 0, 0, 0, 1, 0, 1], 24);
  const pseudo = sum(packet.subarray(8)) + 8 + 58;
  const checksum = ~((pseudo & 0xffff) + (pseudo >>> 16)) & 0xffff;
  packet.set([checksum >> 8, checksum & 0xff], 42);
  const reply = echoReply(packet) ?? new Uint8Array(48);
  expect(reply[40]).toBe(129);
  const total = sum(reply.subarray(8)) + 8 + 58;
  expect((total & 0xffff) + (total >>> 16)).toBe(0xffff);
  expect(echoReply(reply)).toBeUndefined();
});
