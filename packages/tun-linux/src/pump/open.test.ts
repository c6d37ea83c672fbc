import { readdirSync, readlinkSync } from "node:fs";
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { BACKENDS } from "../../test/pump/backends.ts";
import { pumpMemory } from "../../test/pump/memory.ts";
import { openPump, probeUring } from "./open.ts";

const SANDBOX = join(import.meta.dir, "../../test/pump/in-sandbox.ts");

describe("openPump()", () => {
  test("takes what is quicker here, says why that is not io_uring, and takes what it is asked for", () => {
    const { memory, rings } = pumpMemory(0);
    using best = openPump({ memory, rings, ports: [], eventFd: -1 });
    using plain = openPump({ memory, rings, ports: [], eventFd: -1, backend: "plain" });
    expect(best.reason === "").toBe(best.backend === "uring");
    expect([plain.backend, plain.reason]).toEqual(["plain", ""]);
    const why = probeUring();
    expect(why === "").toBe(BACKENDS.includes("uring"));
    if (best.backend === "plain") {
      const quicker = /^plain calls are quicker here: \d+ ns, io_uring \d+ ns$/u;
      expect(best.reason).toMatch(why === "" ? quicker : why);
    }
  });

  test("falls back in a sandbox that forbids io_uring and says why; asked for nothing else, it refuses", () => {
    const { stdout, stderr } = Bun.spawnSync([process.execPath, SANDBOX]);
    expect(stderr.toString()).toBe("");
    expect(JSON.parse(stdout.toString())).toEqual([
      "plain: expected rings in our memory, found EPERM",
      "plain: ",
      "DeviceError: pump over io_uring: expected rings in our memory, found EPERM",
      "expected rings in our memory, found EPERM",
    ]);
  });

  test("falls back without room for the rings", () => {
    const { memory, rings } = pumpMemory(0);
    using pump = openPump({ memory, ports: [], eventFd: -1 });
    expect([pump.backend, pump.reason]).toEqual(["plain", "expected 36864 octets for the rings, found 0"]);
    const small = { at: rings.at, bytes: 4096 };
    expect(() => openPump({ memory, rings: small, ports: [], eventFd: -1, backend: "uring" })).toThrow("found 4096");
  });

  test("refuses rings that do not start at a page", () => {
    const { memory, rings } = pumpMemory(0);
    const shifted = { at: rings.at + 64, bytes: rings.bytes - 64 };
    expect(() => openPump({ memory, rings: shifted, ports: [], eventFd: -1 })).toThrow("expected the start of a page");
  });

  test.each(BACKENDS)("close() of %s gives back every descriptor, also when it is called twice", (backend) => {
    const { memory, rings } = pumpMemory(0);
    const before = openRings();
    for (let i = 0; i < 20; i++) {
      const pump = openPump({ memory, rings, ports: [], eventFd: -1, backend });
      expect(openRings() - before).toBe(backend === "uring" ? 1 : 0);
      pump.close();
      pump.close();
    }
    expect(openRings()).toBe(before);
  });
});

function openRings(): number {
  const names = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The folder's own descriptor is closed by now.
      return "";
    }
  });
  return names.filter((name) => name === "anon_inode:[io_uring]").length;
}
