// How the name servers' call is made on the machines that differ in it, by doubles that are compiled so.
import { describe, expect, test } from "bun:test";
import { failureOf } from "../../test/failure.ts";
import { World } from "../../test/world.ts";
import { openWindowsTun } from "../open.ts";
import { WindowsNetwork } from "./network.ts";

const GUID = "{6ba7b810-9dad-11d1-80b4-00c04fd430c8}";
const GUID_HEX = "10b8a76bad9dd11180b400c04fd430c8";

describe("SetInterfaceDnsSettings", () => {
  test("gets its GUID in two registers on arm64", () => {
    const arm64 = new World(true, "guidInRegisters");
    using adapter = openWindowsTun({ guid: GUID, setup: arm64.setup });
    arm64.record();
    new WindowsNetwork(arm64.setup).setDns(adapter.index, { servers: ["192.0.2.53"] });
    expect(arm64.record()[0]).toBe(`dns guid=${GUID_HEX} version=1 flags=6 servers=192.0.2.53 search=`);
  });

  test("is missing before Windows 10 2004, and nothing else is", () => {
    const old = new World(true, "withoutDns");
    using adapter = openWindowsTun({ setup: old.setup });
    const failure = failureOf(() => new WindowsNetwork(old.setup).setDns(adapter.index, {}));
    expect(failure.code).toBe("E_UNSUPPORTED");
    expect(failure.message).toContain("expected Windows 10 2004 or later");
  });
});
