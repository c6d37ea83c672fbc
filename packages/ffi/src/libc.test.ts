import { describe, expect, test } from "bun:test";
import { openSync } from "node:fs";
import { constants } from "node:os";
import { cString, fromCString } from "./c-string.ts";
import { errno, errnoName } from "./errno.ts";
import { libcNames } from "./libc.ts";
import { library, traceCalls } from "./library.ts";
import { addressOf, pointer } from "./memory.ts";

const DECLARATIONS = {
  close: { args: ["i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "i32"], returns: "i32" },
  memcpy: { args: ["ptr", "ptr", "u64"], returns: "ptr" },
} as const;
const EBADF = 9;
const EISDIR = 21;

describe("library()", () => {
  test("opens nothing before the first call", () => {
    const missing = library(["/none/a.so", "/none/b.so"], DECLARATIONS);
    expect(() => missing()).toThrow("library not found: tried /none/a.so, /none/b.so");
  });

  test("takes the first path that opens", () => {
    const libc = library(["/none/a.so", ...libcNames().paths], DECLARATIONS);
    expect(libc().close(-1)).toBe(-1);
    expect(libc()).toBe(libc());
  });

  test("traceCalls() tells of each call while it is on", () => {
    const calls: unknown[] = [];
    traceCalls((name, args, result) => calls.push([name, args, result]));
    const libc = library(libcNames().paths, DECLARATIONS);
    libc().close(-1);
    traceCalls(undefined);
    expect(calls).toEqual([["close", [-1], -1]]);
    library(libcNames().paths, DECLARATIONS)().close(-1);
    expect(calls).toHaveLength(1);
  });
});

describe("errno()", () => {
  test("is what the last failed call left, call after call", () => {
    const libc = library(libcNames().paths, DECLARATIONS);
    const folder = openSync("/", "r");
    const buffer = new Uint8Array(1);
    for (let i = 0; i < 10_000; i++) {
      libc().close(-1);
      expect(errno()).toBe(EBADF);
      libc().read(folder, buffer, 1);
      expect(errno()).toBe(EISDIR);
    }
    libc().close(folder);
  });

  test("belongs to its thread: a failure in a Worker does not show here", async () => {
    const source = `
      import { errno, library, libcNames } from "${new URL("./index.ts", import.meta.url).pathname}";
      library(libcNames().paths, { close: { args: ["i32"], returns: "i32" } })().close(-1);
      postMessage(errno());`;
    const libc = library(libcNames().paths, DECLARATIONS);
    const worker = new Worker(URL.createObjectURL(new Blob([source], { type: "application/typescript" })));
    const seen = new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
    const folder = openSync("/", "r");
    expect(await seen).toBe(EBADF);
    libc().read(folder, new Uint8Array(1), 1);
    expect(errno()).toBe(EISDIR);
    libc().close(folder);
    worker.terminate();
  });

  test("errnoName() names what a driver meets", () => {
    const names = [1, 11, 16, 22, 77, 105, 125].map(errnoName);
    expect(names).toEqual(["EPERM", "EAGAIN", "EBUSY", "EINVAL", "EBADFD", "ENOBUFS", "ECANCELED"]);
    expect(errnoName(9999)).toBe("errno 9999");
  });

  test("errnoName() agrees with the system's own table", () => {
    const system: Record<string, number> = constants.errno;
    const same = new Set(["EWOULDBLOCK", "ENOTSUP"]);
    const known = Object.entries(system).filter(([name, n]) => !same.has(name) && !errnoName(n).startsWith("errno "));
    expect(known.length).toBeGreaterThan(60);
    for (const [name, number] of known) expect(errnoName(number)).toBe(name);
  });
});

describe("libcNames()", () => {
  test("refuses a platform that it does not know", () => {
    expect(() => libcNames("aix")).toThrow("C library of aix: not known");
  });
});

describe("cString()", () => {
  test("ends with a NUL, fromCString() reads it back", () => {
    expect(cString("tün0")).toEqual(Uint8Array.of(0x74, 0xc3, 0xbc, 0x6e, 0x30, 0));
    expect(fromCString(cString("tün0"))).toBe("tün0");
    expect(fromCString(Uint8Array.of(0x61, 0, 0x62))).toBe("a");
    expect(fromCString(Uint8Array.of(0x61, 0x62))).toBe("ab");
  });

  test("refuses a text with a NUL in it", () => {
    expect(() => cString("a\0b")).toThrow("expected no NUL, found one at 1");
  });
});

describe("addressOf()", () => {
  test("is where C finds the octets, of a view, of a buffer and of shared memory", () => {
    const libc = library(libcNames().paths, DECLARATIONS);
    const source = Uint8Array.of(9, 8, 7, 6);
    const shared = new SharedArrayBuffer(64);
    libc().memcpy(pointer(addressOf(shared) + 10), pointer(addressOf(source.subarray(1))), 3);
    expect([...new Uint8Array(shared, 10, 3)]).toEqual([8, 7, 6]);
    expect(addressOf(new Uint8Array(shared, 10))).toBe(addressOf(shared) + 10);
    expect(addressOf(new DataView(source.buffer))).toBe(addressOf(source));
  });
});
