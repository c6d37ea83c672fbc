import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
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
import { parseState, StateFile, type InterceptionState } from "./state.ts";

const STATE: InterceptionState = {
  namespace: "net:[1]",
  filters: [{ interfaceName: "eth0", before: 1, ours: 2 }],
  exceptions: ["203.0.113.0/24"],
};

let directory: string;
let path: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bunnel-state-"));
  path = join(directory, "run", "state.json");
});
afterEach(() => rmSync(directory, { recursive: true }));

describe("StateFile", () => {
  test("reads what it wrote, and nothing after clear()", () => {
    using file = StateFile.claim(path);
    expect(file.read()).toBeUndefined();
    file.write(STATE);
    expect(file.read()).toEqual(STATE);
    file.write({ ...STATE, filters: [] });
    expect(file.read()).toEqual({ ...STATE, filters: [] });
    file.clear();
    file.clear();
    expect(file.read()).toBeUndefined();
  });

  test("is for its owner alone: directory 0700, files 0600, and no draft is left", () => {
    using file = StateFile.claim(path);
    file.write(STATE);
    expect(lstatSync(join(directory, "run")).mode & 0o777).toBe(0o700);
    expect(readdirSync(join(directory, "run")).toSorted()).toEqual(["state.json", "state.json.lock"]);
    for (const name of ["state.json", "state.json.lock"]) {
      expect(lstatSync(join(directory, "run", name)).mode & 0o777).toBe(0o600);
    }
  });

  test("claim() is refused while another holds it, and given when that one is gone", () => {
    const first = StateFile.claim(path);
    expect(() => StateFile.claim(path)).toThrow(expect.objectContaining({ code: "E_DEVICE_BUSY" }));
    expect(() => StateFile.claim(path)).toThrow("another bunnel is running");
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    using _ = StateFile.claim(path);
  });

  test("claim() is given when the owner was killed", async () => {
    const script = `
      import { StateFile } from ${JSON.stringify(new URL("state.ts", import.meta.url).pathname)};
      globalThis.held = StateFile.claim(${JSON.stringify(path)});
      console.log("ready");
      setInterval(() => {}, 1000);`;
    const owner = Bun.spawn([process.execPath, "-e", script], { stdout: "pipe" });
    await owner.stdout.getReader().read();
    expect(() => StateFile.claim(path)).toThrow("another bunnel is running");
    owner.kill("SIGKILL");
    await owner.exited;
    using _ = StateFile.claim(path);
  });

  test("claim() without the right to make it says so", () => {
    chmodSync(directory, 0o755);
    const script = `
      import { StateFile } from ${JSON.stringify(new URL("state.ts", import.meta.url).pathname)};
      try { StateFile.claim(${JSON.stringify(path)}) } catch (error) { console.log(error.code, error.message) }`;
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", process.execPath, "-e", script];
    const said = Bun.spawnSync(nobody, { cwd: "/" }).stdout.toString().trim();
    expect(said).toBe(`E_DEVICE_DENIED ${path}.lock: cannot be opened, EACCES`);
  });

  test("write() follows no link, and replaces one that stands in its place", () => {
    using file = StateFile.claim(path);
    const victim = join(directory, "victim");
    writeFileSync(victim, "precious");
    symlinkSync(victim, path);
    symlinkSync(victim, `${path}.new`);
    file.write(STATE);
    expect(readFileSync(victim, "utf8")).toBe("precious");
    expect(lstatSync(path).isFile()).toBe(true);
    expect(file.read()).toEqual(STATE);
  });

  test("claim() and read() follow no link", () => {
    const elsewhere = join(directory, "elsewhere.json");
    writeFileSync(elsewhere, JSON.stringify({ version: 1, ...STATE }), { mode: 0o600 });
    using file = StateFile.claim(path);
    symlinkSync(elsewhere, path);
    expect(() => file.read()).toThrow(expect.objectContaining({ code: "E_DEVICE_STATE" }));
    const other = join(directory, "other.json");
    symlinkSync(elsewhere, `${other}.lock`);
    expect(() => StateFile.claim(other)).toThrow("cannot be opened");
  });

  test("read() trusts no file that others can write", () => {
    using file = StateFile.claim(path);
    file.write(STATE);
    chmodSync(path, 0o620);
    expect(() => file.read()).toThrow("expected a file that only we can write");
  });
});

describe("parseState()", () => {
  const whole = { version: 1, ...STATE };
  const filter = { interfaceName: "eth0", before: 1, ours: 2 };
  test.each<[string, unknown]>([
    ["JSON", undefined],
    ["a state of version 1", []],
    ["a state of version 1", { ...whole, version: 2 }],
    ["the name of a network namespace", { ...whole, namespace: 7 }],
    ["a list of reverse-path filters", { ...whole, filters: {} }],
    ["a list of reverse-path filters", { ...whole, filters: [{ ...filter, interfaceName: "../../kernel" }] }],
    ["a list of reverse-path filters", { ...whole, filters: [{ ...filter, interfaceName: ".." }] }],
    ["a list of reverse-path filters", { ...whole, filters: [{ ...filter, before: 3 }] }],
    ["a list of reverse-path filters", { ...whole, filters: [{ ...filter, ours: "2" }] }],
    ["a list of destinations", { ...whole, exceptions: [1] }],
    ["a list of destinations", { ...whole, exceptions: "203.0.113.0/24" }],
  ])("expects %s", (expected, value) => {
    expect(() => parseState(value === undefined ? "{" : JSON.stringify(value), "s")).toThrow(
      `s: expected ${expected};`,
    );
  });
});
