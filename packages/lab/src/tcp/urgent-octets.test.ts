import { describe, expect, test } from "bun:test";
import { UrgentOctets } from "./urgent-octets.ts";

const octets = (...values: number[]) => Uint8Array.from(values);

describe("UrgentOctets.read()", () => {
  test("gives everything where nothing is urgent", () => {
    const urgent = new UrgentOctets();
    urgent.note(0, 0);
    expect(urgent.read(octets(1, 2, 3))).toEqual(octets(1, 2, 3));
  });

  test("leaves out the last urgent octet of a segment, wherever it comes to be read", () => {
    const urgent = new UrgentOctets();
    urgent.note(3, 2);
    expect(urgent.read(octets(1, 2, 3))).toEqual(octets(1, 2, 3));
    expect(urgent.read(octets(4, 99, 6))).toEqual(octets(4, 6));
  });

  test("takes back nothing that was read before", () => {
    const urgent = new UrgentOctets();
    expect(urgent.read(octets(1, 2, 3))).toEqual(octets(1, 2, 3));
    urgent.note(0, 2);
    expect(urgent.read(octets(4))).toEqual(octets(4));
  });
});
