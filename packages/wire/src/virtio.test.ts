import { expect, test } from "bun:test";
import fc from "fast-check";
import { readVirtioNetHeader, virtioNetHeader } from "./virtio.ts";

test("virtioNetHeader() lays the fields out as struct virtio_net_hdr does", () => {
  const fields = {
    flags: 1,
    gsoType: 4,
    headerBytes: 0x0102,
    gsoBytes: 0x0304,
    checksumStart: 0x0506,
    checksumOffset: 0x0708,
  };
  expect(virtioNetHeader(fields).toHex()).toBe("01040201040306050807");
  expect(virtioNetHeader().toHex()).toBe("00000000000000000000");
});

test("readVirtioNetHeader() gives back what virtioNetHeader() took, also from the middle of a memory", () => {
  const word = fc.nat(0xffff);
  const octet = fc.nat(255);
  const fields = {
    headerBytes: word,
    gsoBytes: word,
    checksumStart: word,
    checksumOffset: word,
    flags: octet,
    gsoType: octet,
  };
  fc.assert(
    fc.property(fc.record(fields), (header) => {
      const memory = new Uint8Array(32);
      memory.set(virtioNetHeader(header), 7);
      expect(readVirtioNetHeader(memory.subarray(7))).toEqual(header);
    }),
  );
});

test("readVirtioNetHeader() refuses fewer than ten octets", () => {
  expect(() => readVirtioNetHeader(new Uint8Array(9))).toThrow("virtio header must have 10 octets, found 9");
});
