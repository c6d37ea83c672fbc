import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, chownSync, lstatSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureOf } from "../../test/network-pair.ts";
import { parseDnsState, versioned, type DnsState } from "./dns-state.ts";
import { LockedState } from "./locked-state.ts";

const MODULE = new URL("./locked-state.ts", import.meta.url).pathname;
const STATE: DnsState = {
  backend: "resolv.conf",
  path: "/etc/resolv.conf",
  former: { kind: "link", target: "elsewhere" },
  texts: ["ours"],
};

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-state-"));
  path = join(folder, "deep", "state.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

function claim(): LockedState<DnsState> {
  const state = LockedState.claim(path, parseDnsState);
  if (!state) throw new Error("expected the lock, found it taken");
  return state;
}

describe("LockedState", () => {
  test("keeps a state for the next one, in files that only the owner can read", () => {
    {
      using state = claim();
      expect(state.read()).toBeUndefined();
      state.write(versioned(STATE));
      expect(lstatSync(path).mode & 0o777).toBe(0o600);
      expect(lstatSync(join(folder, "deep")).mode & 0o777).toBe(0o700);
    }
    using state = claim();
    expect(state.read()).toEqual(STATE);
    state.clear();
    expect(state.read()).toBeUndefined();
    expect(readdirSync(join(folder, "deep"))).toEqual(["state.json.lock"]);
  });

  test("is for one at a time, until that one ends, however it ends", async () => {
    const program = `import { LockedState } from ${JSON.stringify(MODULE)};
      console.log(LockedState.claim(${JSON.stringify(path)}, () => undefined) !== undefined);
      setInterval(() => undefined, 1000);`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
    await child.stdout.getReader().read();
    expect(LockedState.claim(path, parseDnsState)).toBeUndefined();
    child.kill("SIGKILL");
    await child.exited;
    using state = claim();
    expect(LockedState.claim(path, parseDnsState)).toBeUndefined();
    state[Symbol.dispose]();
    state[Symbol.dispose]();
    claim()[Symbol.dispose]();
  });

  test.each([
    ["no JSON", "{", "expected JSON"],
    ["another version", JSON.stringify({ ...STATE, version: 2 }), "expected a state of this version"],
    ["another shape", JSON.stringify({ version: 1, backend: "resolved", index: "5" }), "expected a state"],
    [
      "a former file without octets",
      JSON.stringify({ ...STATE, version: 1, former: { kind: "file" } }),
      "expected a state",
    ],
    ["texts that are none", JSON.stringify({ ...STATE, version: 1, texts: [5] }), "expected a state"],
  ])("refuses %s", (_, text, message) => {
    using state = claim();
    writeFileSync(path, text, { mode: 0o600 });
    const error = failureOf(() => state.read());
    expect([error.code, error.message]).toEqual(["E_DEVICE_STATE", expect.stringContaining(message)]);
  });

  test("refuses a file that others could have written, and a link", () => {
    using state = claim();
    state.write(versioned(STATE));
    chmodSync(path, 0o602);
    expect(failureOf(() => state.read()).message).toContain("a file that only we can write");
    chmodSync(path, 0o600);
    chownSync(path, 1234, 0);
    expect(failureOf(() => state.read()).message).toContain("a file that only we can write");
    rmSync(path);
    symlinkSync("/etc/hostname", path);
    expect(failureOf(() => state.read()).code).toBe("E_DEVICE_STATE");
  });
});

describe("parseDnsState()", () => {
  test.each<DnsState>([
    STATE,
    { ...STATE, former: { kind: "absent" } },
    { ...STATE, former: { kind: "file", base64: "AAE=", mode: 0o644, uid: 0, gid: 0 } },
    { backend: "resolved", index: 5, name: "tun0", namespace: "net:[4026531840]" },
  ])("reads back %j", (state) => {
    expect(parseDnsState(JSON.parse(JSON.stringify(versioned(state))))).toEqual(state);
  });
});
