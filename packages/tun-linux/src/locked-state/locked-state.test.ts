// needs root: files of other users
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { failureOf } from "../../test/network-pair.ts";
import { LockedState, type StateForm } from "./locked-state.ts";

const MODULE = new URL("./locked-state.ts", import.meta.url).pathname;

interface Kept {
  readonly names: readonly string[];
}

const FORM: StateForm<Kept> = {
  version: 3,
  parse: ({ names }) =>
    Array.isArray(names) && names.every((name) => typeof name === "string") ? { names } : "a list of names",
};
const KEPT: Kept = { names: ["eth0"] };

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bunnel-state-"));
  path = join(folder, "run", "state.json");
});
afterEach(() => rmSync(folder, { recursive: true }));

function claim(): LockedState<Kept> {
  const state = LockedState.claim(path, FORM);
  if (!state) throw new Error("expected the lock, found it taken");
  return state;
}

describe("LockedState", () => {
  test("keeps a state for the next one", () => {
    {
      using state = claim();
      expect(state.read()).toBeUndefined();
      state.write(KEPT);
      state.write({ names: [] });
      expect(state.read()).toEqual({ names: [] });
    }
    using state = claim();
    expect(state.read()).toEqual({ names: [] });
    state.clear();
    state.clear();
    expect(state.read()).toBeUndefined();
  });

  test("is for its owner alone: directory 0700, files 0600, and no draft is left", () => {
    using state = claim();
    state.write(KEPT);
    const run = join(folder, "run");
    expect(lstatSync(run).mode & 0o777).toBe(0o700);
    expect(readdirSync(run).toSorted()).toEqual(["state.json", "state.json.lock"]);
    for (const name of readdirSync(run)) expect(lstatSync(join(run, name)).mode & 0o777).toBe(0o600);
  });

  test("is for one at a time, until that one ends, however it ends", async () => {
    const program = `import { LockedState } from ${JSON.stringify(MODULE)};
      globalThis.held = LockedState.claim(${JSON.stringify(path)}, { version: 3, parse: () => "none" });
      console.log(globalThis.held !== undefined);
      setInterval(() => undefined, 1000);`;
    const child = Bun.spawn([process.execPath, "-e", program], { stdout: "pipe" });
    const { value } = await child.stdout.getReader().read();
    expect(new TextDecoder().decode(value)).toBe("true\n");
    expect(LockedState.claim(path, FORM)).toBeUndefined();
    child.kill("SIGKILL");
    await child.exited;
    using state = claim();
    expect(LockedState.claim(path, FORM)).toBeUndefined();
    state[Symbol.dispose]();
    state[Symbol.dispose]();
    claim()[Symbol.dispose]();
  });

  test("claim() without the right to make the files says so", () => {
    chmodSync(folder, 0o755);
    const script = `
      import { LockedState } from ${JSON.stringify(MODULE)};
      try { LockedState.claim(${JSON.stringify(path)}, {}) } catch (error) { console.log(error.code, error.message) }`;
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "-e", script];
    const said = Bun.spawnSync(nobody, { cwd: "/" }).stdout.toString().trim();
    expect(said).toBe(`E_DEVICE_DENIED opening ${path}.lock failed with EACCES`);
  });

  test("write() follows no link, and replaces one that stands in its place", () => {
    using state = claim();
    const victim = join(folder, "victim");
    writeFileSync(victim, "precious");
    symlinkSync(victim, path);
    symlinkSync(victim, `${path}.new`);
    state.write(KEPT);
    expect(readFileSync(victim, "utf8")).toBe("precious");
    expect(lstatSync(path).isFile()).toBe(true);
    expect(state.read()).toEqual(KEPT);
  });

  test("claim() and read() follow no link", () => {
    const elsewhere = join(folder, "elsewhere.json");
    writeFileSync(elsewhere, JSON.stringify({ version: 3, ...KEPT }), { mode: 0o600 });
    using state = claim();
    symlinkSync(elsewhere, path);
    expect(failureOf(() => state.read()).message).toContain("expected a file that can be read");
    const other = join(folder, "other.json");
    symlinkSync(elsewhere, `${other}.lock`);
    expect(failureOf(() => LockedState.claim(other, FORM)).message).toContain("failed with ELOOP");
  });

  test("read() trusts no file that others could have written", () => {
    using state = claim();
    state.write(KEPT);
    const refusal = "expected a file that only we can write";
    for (const mode of [0o620, 0o602]) {
      chmodSync(path, mode);
      expect(failureOf(() => state.read()).message).toContain(refusal);
    }
    chmodSync(path, 0o600);
    chownSync(path, 1234, 0);
    expect(failureOf(() => state.read()).message).toContain(refusal);
  });

  test.each([
    ["JSON", "{"],
    ["a state of version 3", "[]"],
    ["a state of version 3", JSON.stringify({ ...KEPT, version: 2 })],
    ["a list of names", JSON.stringify({ version: 3, names: [7] })],
  ])("read() expects %s", (expected, text) => {
    using state = claim();
    writeFileSync(path, text, { mode: 0o600 });
    const { code, message } = failureOf(() => state.read());
    expect(code).toBe("E_DEVICE_STATE");
    expect(message).toBe(`${path}: expected ${expected}; remove the file if it is not needed`);
  });
});
