import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { readHeader } from "./headers.ts";

describe("readHeader()", () => {
  test("knows the executable that runs this test", () => {
    const header = readHeader(readFileSync(process.execPath));
    const isMusl = existsSync("/etc/alpine-release");
    const systems: Readonly<Record<string, string>> = {
      linux: isMusl ? "linux-musl" : "linux",
      darwin: "macos",
      win32: "windows",
      freebsd: "freebsd",
    };
    expect(header).toMatchObject({ system: systems[process.platform], processor: process.arch });
  });

  test("refuses what is no executable", () => {
    expect(() => readHeader(new TextEncoder().encode("#!/bin/sh\n"))).toThrow(
      "expected ELF, Mach-O or PE, found 23212f62",
    );
  });

  test("refuses a Mach-O without a signature", () => {
    const octets = new Uint8Array(32);
    new DataView(octets.buffer).setUint32(0, 0xfeedfacf, true);
    expect(() => readHeader(octets)).toThrow("expected a Mach-O with a signature");
  });

  test("reads a PE that is no program of the console as something else", () => {
    const octets = new Uint8Array(256);
    const view = new DataView(octets.buffer);
    view.setUint16(0, 0x5a4d, true);
    view.setUint32(0x3c, 64, true);
    view.setUint32(64, 0x4550, true);
    view.setUint16(68, 0x014c, true);
    view.setUint16(64 + 92, 2, true);
    expect(readHeader(octets)).toEqual({ format: "PE", system: "other", processor: "other" });
  });
});
