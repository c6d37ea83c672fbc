import { describe, expect, test } from "bun:test";
import { decodePacket, verifyChecksums } from "@bunnel/wire";
import { fromClient, TLS } from "../sample-traffic.ts";
import { afterRouters } from "./hop-limit.ts";

describe.each([4, 6] as const)("afterRouters() in IPv%d", (family) => {
  test("counts down and keeps all else", () => {
    const packet = fromClient(0, TLS.bad, { family, hopLimit: 64 });
    const behind = afterRouters(packet, 5);
    expect(behind).toEqual(fromClient(0, TLS.bad, { family, hopLimit: 59 }));
    expect(decodePacket(packet).hopLimit).toBe(64);
    expect(verifyChecksums(behind ?? packet).ip).not.toBe(false);
  });

  test("throws away what has no hops left", () => {
    const packet = fromClient(0, TLS.bad, { family, hopLimit: 3 });
    expect(decodePacket(afterRouters(packet, 2) ?? new Uint8Array(0)).hopLimit).toBe(1);
    expect(afterRouters(packet, 3)).toBeUndefined();
    expect(afterRouters(fromClient(0, TLS.bad, { family, hopLimit: 0 }), 0)).toBeUndefined();
  });

  test("leaves a wrong TCP checksum wrong", () => {
    const behind = afterRouters(fromClient(0, TLS.bad, { family, checksum: 0x1234 }), 1);
    expect(verifyChecksums(behind ?? new Uint8Array(0)).transport).toBe(false);
  });
});

test("afterRouters() throws away a wrong IPv4 header checksum and octets that are no packet", () => {
  const packet = fromClient(0, TLS.bad);
  packet[10] = (packet[10] ?? 0) ^ 1;
  expect(afterRouters(packet, 1)).toBeUndefined();
  expect(afterRouters(new Uint8Array(40), 1)).toBeUndefined();
});
