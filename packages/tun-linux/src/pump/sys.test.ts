import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { addressOf } from "@bunnel/ffi";
import { DatagramPair } from "../../test/pump/sys.ts";
import { NUMBERS, pumpCalls } from "./sys.ts";

/** Where the numbers stand on this machine, for the machines that they are of. */
const HEADERS: Readonly<Record<string, string>> = {
  x64: "/usr/include/x86_64-linux-gnu/asm/unistd_64.h",
  arm64: "/usr/include/asm-generic/unistd.h",
};

test.each(Object.entries(HEADERS).filter(([, path]) => existsSync(path)))(
  "the numbers of %s are those of %s",
  (arch, path) => {
    const header = readFileSync(path, "utf8");
    for (const [name, number] of Object.entries(NUMBERS[arch] ?? {})) {
      expect(header).toMatch(new RegExp(`^#define __NR_${name} ${number}$`, "mu"));
    }
    expect(Object.keys(NUMBERS[arch] ?? {})).toEqual(["read", "write", "writev"]);
  },
);

describe.each([process.arch, "riscv64"])("pumpCalls(%p)", (arch) => {
  test("read, write and writev carry octets, and say when there are none", () => {
    using pair = new DatagramPair();
    const [near, far] = pair.ends;
    const calls = pumpCalls(arch);
    const octets = Uint8Array.of(1, 2, 3, 4, 5);
    const base = addressOf(octets.buffer);
    const pieces = new BigUint64Array([BigInt(base + 3), 2n, BigInt(base), 1n]);
    expect(calls.write(near, base + 1, 3)).toBe(3);
    expect(calls.writev(near, addressOf(pieces.buffer), 2)).toBe(3);
    const came = new Uint8Array(8);
    const at = addressOf(came.buffer);
    expect([calls.read(far, at, 8), calls.read(far, at + 4, 4), calls.read(far, at, 8)]).toEqual([3, 3, -1]);
    expect([...came]).toEqual([2, 3, 4, 0, 4, 5, 1, 0]);
  });
});
