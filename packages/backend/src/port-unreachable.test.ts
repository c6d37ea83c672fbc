import { describe, expect, test } from "bun:test";
import { decodePacket, udpPacket, verifyChecksums } from "@bunnel/wire";
import { ANSWER_HEADROOM_BYTES, answerUnreachable } from "./port-unreachable.ts";

const ENDS4 = { source: "192.0.2.7", destination: "203.0.113.9", sourcePort: 40000, destinationPort: 443 };
const ENDS6 = { source: "2001:db8::7", destination: "2001:db8:2::9", sourcePort: 40000, destinationPort: 443 };
const CANARY = 0xa5;
const AT = 100;

/** The answer as a packet of its own, and what lies around it. */
function answerTo(packet: Uint8Array): { answer: Uint8Array; before: Uint8Array; behind: Uint8Array } {
  const octets = new Uint8Array(AT + packet.length + 50).fill(CANARY);
  octets.set(packet, AT);
  const place = answerUnreachable(octets, AT, packet.length);
  if (place === undefined) throw new Error("no answer");
  return {
    answer: octets.slice(place.at, place.at + place.bytes),
    before: octets.slice(0, place.at),
    behind: octets.slice(AT + packet.length),
  };
}

describe("answerUnreachable()", () => {
  test.each([
    [4, ENDS4, 28, "0303"],
    [6, ENDS6, 48, "0104"],
  ] as const)("comes from the destination and quotes the packet, IPv%i", (_family, ends, headers, typeAndCode) => {
    const packet = udpPacket({ ...ends, payload: new Uint8Array(64).fill(0xc0) });
    const { answer, before, behind } = answerTo(packet);
    expect(decodePacket(answer)).toMatchObject({ source: ends.destination, destination: ends.source });
    expect(answer.subarray(headers - 8, headers - 6).toHex()).toBe(typeAndCode);
    expect(answer.subarray(headers - 4, headers).toHex()).toBe("00000000");
    expect(answer.subarray(headers)).toEqual(packet);
    expect(verifyChecksums(answer)).toEqual({ ip: headers === 28 ? true : undefined, transport: true });
    for (const around of [before, behind]) expect(new Set(around)).toEqual(new Set([CANARY]));
    expect(before.length).toBeGreaterThanOrEqual(AT - ANSWER_HEADROOM_BYTES);
  });

  test.each([
    [4, ENDS4, 576],
    [6, ENDS6, 1280],
  ] as const)("quotes no more than may be, IPv%i", (_family, ends, most) => {
    const packet = udpPacket({ ...ends, payload: new Uint8Array(1301).map((_, i) => i) });
    const { answer } = answerTo(packet);
    expect(answer).toHaveLength(most);
    expect(packet.toHex()).toStartWith(answer.subarray(most === 576 ? 28 : 48).toHex());
    expect(verifyChecksums(answer).transport).toBe(true);
    expect(decodePacket(answer)).toMatchObject({ source: ends.destination });
  });

  test("answers nothing that is no packet", () => {
    for (const packet of [new Uint8Array(19).fill(0x45), new Uint8Array(39).fill(0x60), new Uint8Array(60)]) {
      expect(() => answerTo(packet)).toThrow("no answer");
    }
  });
});
