// Name servers in a store of ours with the functions of macOS's: what is put there, and that it goes.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureOf } from "@bunnel/bsd/proof";
import { cString, library } from "@bunnel/ffi";
import { setDarwinDns, type DarwinDns } from "../src/index.ts";

const folder = mkdtempSync(join(tmpdir(), "bunnel-configuration-"));
const path = join(folder, "configuration.so");
const KEY = "State:/Network/Service/bunnel-utun7/DNS";
const calls = library(path, {
  configuration_objects: { args: [], returns: "i32" },
  configuration_deny: { args: ["i32"], returns: "void" },
  configuration_value: { args: ["ptr"], returns: "cstring" },
});
const value = () => String(calls().configuration_value(cString(KEY)));
const set = (dns: DarwinDns) => setDarwinDns("utun7", dns, { coreFoundation: [path], systemConfiguration: [path] });

beforeAll(() => {
  const source = join(import.meta.dirname, "kernel/configuration.c");
  const flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-fvisibility=hidden"];
  const { exitCode, stderr } = Bun.spawnSync(["gcc", ...flags, source, "-o", path]);
  if (exitCode !== 0) throw new Error(`the store did not compile: ${stderr.toString()}`);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("setDarwinDns()", () => {
  test("puts servers of both families there for all names, and takes them away", () => {
    const hold = set({ servers: ["192.0.2.53", "2001:db8:0:0::53"] });
    expect(value()).toContain(
      "<key>ServerAddresses</key><array><string>192.0.2.53</string><string>2001:db8::53</string></array>" +
        "<key>SupplementalMatchDomains</key><array><string></string></array>",
    );
    expect(value()).toContain("<key>InterfaceName</key><string>utun7</string>");
    expect(hold.restore()).toBe(true);
    expect(hold.restore()).toBe(false);
    expect(value()).toBe("");
    expect(calls().configuration_objects()).toBe(0);
  });

  test("for some names only, with words looked for in others, and changed while they are held", () => {
    using hold = set({ servers: ["192.0.2.53"], matchDomains: ["example.org"], searchDomains: ["lan.example.org"] });
    expect(value()).toContain("<key>SearchDomains</key><array><string>lan.example.org</string></array>");
    expect(value()).toContain("<key>SupplementalMatchDomains</key><array><string>example.org</string></array>");
    hold.change({ servers: ["192.0.2.54"] });
    expect(value()).toContain("192.0.2.54");
    expect(value()).not.toContain("192.0.2.53");
  });

  test("says who holds them already, who may not, and what cannot be read; nothing stays", () => {
    {
      using hold = set({ servers: ["192.0.2.53"] });
      expect(failureOf(() => set({ servers: ["192.0.2.54"] }))).toMatchObject({ code: "E_DEVICE_BUSY", errno: 1005 });
      hold.restore();
      expect(failureOf(() => hold.change({ servers: ["192.0.2.55"] }))).toMatchObject({ code: "E_DEVICE_STATE" });
    }
    calls().configuration_deny(1);
    const denied = failureOf(() => set({ servers: ["192.0.2.53"] }));
    calls().configuration_deny(0);
    expect(denied).toMatchObject({ code: "E_DEVICE_DENIED", errno: 1003 });
    const bad: DarwinDns[] = [
      { servers: [] },
      { servers: ["nowhere"] },
      { servers: ["192.0.2.53"], matchDomains: ["a b"] },
      { servers: ["192.0.2.53"], searchDomains: ["</string>"] },
    ];
    for (const dns of bad) expect(failureOf(() => set(dns))).toMatchObject({ code: "E_DEVICE_OPTION" });
    expect(calls().configuration_objects()).toBe(0);
  });

  test("says which library is missing", () => {
    const environment = { coreFoundation: ["/nowhere/CoreFoundation"] };
    const failure = failureOf(() => setDarwinDns("utun7", { servers: ["192.0.2.53"] }, environment));
    expect(failure.code).toBe("E_DEVICE_MISSING");
    expect(failure.message).toContain("/nowhere/CoreFoundation");
  });
});
